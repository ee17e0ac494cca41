import type { ObjectMeta } from '../../../../lib/api/meta.js';
import type { V1Container, V1PodSpec } from '../../../../lib/schema/generated/types.js';

/** A pod, or what a workload makes pods from. */
export interface CheckedPod {
  readonly metadata: Pick<ObjectMeta, 'annotations'>;
  readonly spec: V1PodSpec;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type RunCheck = (pod: CheckedPod) => Violation | undefined;

export interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** In place of this baseline check, on the level restricted. */
  readonly replaces?: string;
  /** Ascending; `since` is a minor version of Kubernetes. */
  readonly versions: readonly { readonly since: number; readonly run: RunCheck }[];
}

/** In the order in which they are named. */
export function containersOf(spec: V1PodSpec): V1Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as V1Container[]),
  ];
}

export function isWindows({ spec }: CheckedPod): boolean {
  return spec.os?.name === 'windows';
}

/** Root inside is nobody outside. */
export function inUserNamespace({ spec }: CheckedPod): boolean {
  return spec.hostUsers === false;
}

export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** `"a", "b"` */
export function quoted(items: readonly string[]): string {
  return items.length === 0 ? '' : `"${items.join('", "')}"`;
}

/** `containers "a", "b"` */
export function namesOf(containers: readonly V1Container[]): string {
  return `${plural(containers.length, 'container', 'containers')} ${quoted(containers.map(({ name }) => name))}`;
}

/** `pod and container "a"`: those that set something forbidden. */
export function setters(pod: boolean, containers: readonly V1Container[], more: readonly string[] = []): string {
  return [...(pod ? ['pod'] : []), ...(containers.length === 0 ? [] : [namesOf(containers)]), ...more].join(' and ');
}

export function uniqueSorted(items: readonly string[]): string[] {
  return [...new Set(items)].toSorted();
}

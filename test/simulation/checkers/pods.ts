import type { KubernetesObject } from '../../../lib/api/meta.js';
import { keyOf } from '../../../lib/client/client.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';

export function nameOf(object: KubernetesObject): string {
  return `${object.kind} ${keyOf(object)}`;
}

export function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

export function hasEnded(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function imagesOf(pod: V1Pod | { spec?: V1Pod['spec'] }): string {
  return (pod.spec?.containers ?? []).map(({ image }) => image).join();
}

/** What is wrong with the pods of a workload that wants so many of them, Ready and of that image. */
export function checkPods(
  owner: KubernetesObject,
  pods: readonly V1Pod[],
  wanted: { replicas: number; image?: string },
): string[] {
  const problems: string[] = [];
  const live = pods.filter((pod) => !hasEnded(pod));
  if (live.length !== wanted.replicas) {
    problems.push(`${nameOf(owner)} has ${live.length} pods instead of ${wanted.replicas}`);
  }
  for (const pod of live) {
    if (!isReady(pod))
      problems.push(`${nameOf(pod)} of ${nameOf(owner)} is not ready: ${JSON.stringify(pod.status?.conditions)}`);
    if (wanted.image !== undefined && imagesOf(pod) !== wanted.image) {
      problems.push(`${nameOf(pod)} of ${nameOf(owner)} runs ${imagesOf(pod)} instead of ${wanted.image}`);
    }
  }
  return problems;
}

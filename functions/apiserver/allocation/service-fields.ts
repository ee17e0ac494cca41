import type { V1ServiceSpec } from '../../../lib/schema/generated/types.js';

/** An address that is none: the service has no cluster IP. */
export const HEADLESS = 'None';

export function sameList(left: readonly string[] = [], right: readonly string[] = []): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

/** Different node ports of a service, in order. */
export function nodePortsOf(spec: V1ServiceSpec): number[] {
  return [...new Set((spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0))];
}

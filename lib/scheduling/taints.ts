import type { V1Taint, V1Toleration } from '../schema/generated/types.js';

/** The effects that keep a pod off a node. */
export const HARD_EFFECTS = ['NoSchedule', 'NoExecute'] as const;

/** As core/v1's ToleratesTaint: empty key with Exists tolerates everything, an empty effect every effect. */
export function tolerates(toleration: V1Toleration, taint: V1Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator || 'Equal') {
    case 'Equal':
      return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

export function toleratesTaint(tolerations: readonly V1Toleration[] | undefined, taint: V1Taint): boolean {
  return (tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

/** The first taint of one of these effects that nothing tolerates. */
export function findUntoleratedTaint(
  taints: readonly V1Taint[] | undefined,
  tolerations: readonly V1Toleration[] | undefined,
  effects: readonly string[] = HARD_EFFECTS,
): V1Taint | undefined {
  return (taints ?? []).find((taint) => effects.includes(taint.effect) && !toleratesTaint(tolerations, taint));
}

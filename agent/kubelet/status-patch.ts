import type { V1PodStatus } from '../../lib/schema/generated/types.js';

/** The status as a strategic merge patch: its addresses replace those of an earlier sandbox, which would be merged with them otherwise. */
export function asPatch({ podIPs, ...status }: V1PodStatus): object {
  return podIPs === undefined ? status : { ...status, podIPs: [{ $patch: 'replace' }, ...podIPs] };
}

/** The fields of `from` that `like` has too, and of its conditions those types. */
export function pickStatus(from: V1PodStatus | undefined, like: V1PodStatus): Partial<V1PodStatus> {
  const picked = Object.fromEntries(Object.keys(like).map((key) => [key, from?.[key as keyof V1PodStatus]]));
  const conditions = like.conditions?.map((one) => from?.conditions?.find((other) => other.type === one.type));
  return { ...picked, conditions: conditions?.map((one) => ({ ...one })) as V1PodStatus['conditions'] };
}

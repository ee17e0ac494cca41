import type { V1ResourceQuota } from '../schema/generated/types.js';

/**
 * When an API server last charged the quota for a write or gave back. A charge comes before its write, so that what is charged may not
 * be there to count yet: until CHARGE_SETTLED_MS after this moment nobody may lower what is used to what is counted. Kept by the API
 * server; clients can neither set nor remove it.
 */
export const LAST_CHARGE_ANNOTATION = 'quota.zeroplane.dev/last-charge';

/** Longer than any write may take from its charge to its end, on any API server, their clocks' differences included. */
export const CHARGE_SETTLED_MS = 60_000;

/** Milliseconds since 1970; undefined for a quota that was never charged. */
export function lastChargeMs(quota: V1ResourceQuota): number | undefined {
  const text = quota.metadata?.annotations?.[LAST_CHARGE_ANNOTATION];
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

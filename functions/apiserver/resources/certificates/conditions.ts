import { formatTime } from '../../../../lib/clock/clock.js';
import type {
  V1CertificateSigningRequest,
  V1CertificateSigningRequestCondition,
} from '../../../../lib/schema/generated/types.js';

/** Decisions stay as they were unless their number changes, which validation then judges. */
export function keepDecisions(object: V1CertificateSigningRequest, old: V1CertificateSigningRequest): void {
  const conditions = object.status?.conditions;
  if (conditions === undefined) return;
  for (const type of ['Approved', 'Denied']) {
    const before = (old.status?.conditions ?? []).filter((condition) => condition.type === type);
    const places = conditions.flatMap((condition, index) => (condition.type === type ? [index] : []));
    if (before.length !== places.length) continue;
    for (const [nth, place] of places.entries()) {
      const kept = before[nth];
      if (kept !== undefined) conditions[place] = { ...kept };
    }
  }
}

/** Sets the times that a writer of conditions has left out. */
export function fillConditionTimes(
  object: V1CertificateSigningRequest,
  old: V1CertificateSigningRequest,
  nowMs: number,
): void {
  const now = formatTime(nowMs);
  for (const condition of object.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    condition.lastTransitionTime ??= transitionTime(condition, old) ?? now;
  }
}

function transitionTime(
  { type, status }: V1CertificateSigningRequestCondition,
  old: V1CertificateSigningRequest,
): string | undefined {
  const same = (old.status?.conditions ?? []).filter((one) => one.type === type && one.status === status);
  return same.find((one) => one.lastTransitionTime !== undefined)?.lastTransitionTime;
}

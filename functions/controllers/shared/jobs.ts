import type { V1Job, V1JobCondition } from '../../../lib/schema/generated/types.js';

/** The condition that ends a Job, once it is true: Complete or Failed. */
export function finishedCondition(job: V1Job): V1JobCondition | undefined {
  return job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

export function jobCondition(job: V1Job, type: string): V1JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type);
}

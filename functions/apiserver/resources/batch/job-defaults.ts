import type { V1JobSpec } from '../../../../lib/schema/generated/types.js';
import { INT32_MAX } from '../shared/formats.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';

export function defaultJobSpec(spec: V1JobSpec): void {
  if (spec.parallelism === undefined) {
    spec.completions ??= 1;
    spec.parallelism = 1;
  }
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : INT32_MAX;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  defaultPodTemplateSpec(spec.template);
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

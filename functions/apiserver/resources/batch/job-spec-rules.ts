import { invalid, notSupported, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1JobSpec } from '../../../../lib/schema/generated/types.js';
import { domainPrefixedPathErrors } from '../shared/domain-prefixed-path.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { podFailurePolicyErrors } from './pod-failure-policy.js';
import { successPolicyErrors } from './success-policy.js';

const PARALLELISM_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
const COMPLETIONS_SOFT_MAX = 100_000;
/** Of parallelism and of failed indexes, when completions are above their soft limit. */
const HIGH_COMPLETIONS_MAX = 10_000;
const MANAGED_BY_BYTES_MAX = 63;

const REPLACEMENT_POLICIES = ['Failed', 'TerminatingOrFailed'];

/** Rules of a job's spec but for its selector: they hold for the templates of cron jobs as well. */
export function jobSpecErrors(spec: V1JobSpec, path: string): FieldError[] {
  return [
    ...nonNegativeErrors(`${path}.parallelism`, spec.parallelism),
    ...nonNegativeErrors(`${path}.completions`, spec.completions),
    ...nonNegativeErrors(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...nonNegativeErrors(`${path}.backoffLimit`, spec.backoffLimit),
    ...nonNegativeErrors(`${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...nonNegativeErrors(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex),
    ...nonNegativeErrors(`${path}.maxFailedIndexes`, spec.maxFailedIndexes),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
      : []),
    ...managedByErrors(spec.managedBy, `${path}.managedBy`),
    ...completionModeErrors(spec, path),
    ...(spec.podFailurePolicy === undefined ? [] : podFailurePolicyErrors(spec, `${path}.podFailurePolicy`)),
    ...successPolicyErrors(spec, `${path}.successPolicy`),
    ...replacementPolicyErrors(spec, `${path}.podReplacementPolicy`),
    ...validatePodTemplateSpec(spec.template, `${path}.template`),
    ...restartPolicyErrors(spec, `${path}.template.spec.restartPolicy`),
  ];
}

export function jobSpecWarnings(
  { completionMode, completions = 0, parallelism = 0 }: V1JobSpec,
  path: string,
): string[] {
  return completionMode === 'Indexed' && completions > COMPLETIONS_SOFT_MAX && parallelism > HIGH_COMPLETIONS_MAX
    ? [
        `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
      ]
    : [];
}

function managedByErrors(managedBy: string | undefined, field: string): FieldError[] {
  if (managedBy === undefined) return [];
  const errors = domainPrefixedPathErrors(field, managedBy);
  return Buffer.byteLength(managedBy) > MANAGED_BY_BYTES_MAX
    ? [...errors, tooLong(field, MANAGED_BY_BYTES_MAX)]
    : errors;
}

function completionModeErrors(spec: V1JobSpec, path: string): FieldError[] {
  const { completionMode = 'NonIndexed', backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completionMode === 'Indexed') return indexedErrors(spec, path);
  if (completionMode !== 'NonIndexed') {
    return [notSupported(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed'])];
  }
  const needsIndexed = (field: string, value: number | undefined): FieldError[] =>
    value === undefined ? [] : [invalid(`${path}.${field}`, value, 'requires indexed completion mode')];
  return [
    ...needsIndexed('backoffLimitPerIndex', backoffLimitPerIndex),
    ...needsIndexed('maxFailedIndexes', maxFailedIndexes),
  ];
}

function indexedErrors(spec: V1JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes } = spec;
  const errors: FieldError[] = [];
  const atMost = (field: string, value: number, max: number, when: string): void => {
    if (value <= max) return;
    errors.push(invalid(`${path}.${field}`, value, `must be less than or equal to ${max}${when}`));
  };
  if (completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  atMost('parallelism', parallelism, PARALLELISM_MAX, ' when completion mode is Indexed');
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'));
  }
  atMost('maxFailedIndexes', maxFailedIndexes ?? 0, FAILED_INDEXES_MAX, '');
  if ((completions ?? 0) > COMPLETIONS_SOFT_MAX && spec.backoffLimitPerIndex !== undefined) {
    if (maxFailedIndexes === undefined) {
      errors.push(
        required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${COMPLETIONS_SOFT_MAX}`),
      );
    }
    const when = ` when completions are above ${COMPLETIONS_SOFT_MAX} and used with backoff limit per index`;
    atMost('parallelism', parallelism, HIGH_COMPLETIONS_MAX, when);
    atMost('maxFailedIndexes', maxFailedIndexes ?? 0, HIGH_COMPLETIONS_MAX, when);
  }
  return errors;
}

function replacementPolicyErrors({ podReplacementPolicy, podFailurePolicy }: V1JobSpec, field: string): FieldError[] {
  if (podReplacementPolicy === undefined) return [];
  const supported = podFailurePolicy === undefined ? REPLACEMENT_POLICIES : ['Failed'];
  return supported.includes(podReplacementPolicy) ? [] : [notSupported(field, podReplacementPolicy, supported)];
}

/** Always is what pod templates default to, so that it stands for none given. */
function restartPolicyErrors({ template, podFailurePolicy }: V1JobSpec, field: string): FieldError[] {
  const policy = template.spec?.restartPolicy ?? '';
  switch (policy) {
    case '':
    case 'Always':
      return [required(field, 'valid values: "OnFailure", "Never"')];
    case 'Never':
      return [];
    case 'OnFailure':
      return podFailurePolicy === undefined
        ? []
        : [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
    default:
      return [notSupported(field, policy, ['OnFailure', 'Never'])];
  }
}

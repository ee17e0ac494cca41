import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Job } from '../../../../lib/schema/generated/types.js';
import { isUsableSelector, selectorMatches, sortedLabels } from '../shared/label-selector-match.js';
import { validateLabelSelector } from '../shared/labels.js';

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';
const LEGACY_CONTROLLER_UID = 'controller-uid';
const LEGACY_JOB_NAME = 'job-name';

function generatedLabels({ metadata }: V1Job): Record<string, string> {
  const uid = metadata?.uid ?? '';
  const name = metadata?.name ?? '';
  return { [LEGACY_JOB_NAME]: name, [JOB_NAME]: name, [LEGACY_CONTROLLER_UID]: uid, [CONTROLLER_UID]: uid };
}

/** Unless the job selects by hand: labels its template by its uid and name, and selects by its uid. Keys the user set stay, for validation to judge. */
export function generateSelector(job: V1Job): void {
  const { spec, metadata } = job;
  if (spec === undefined || metadata === undefined || spec.manualSelector === true) return;
  spec.template.metadata ??= {};
  const isLabelledLikePods = metadata.labels === spec.template.metadata.labels;
  spec.template.metadata.labels = { ...generatedLabels(job), ...spec.template.metadata.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { [CONTROLLER_UID]: metadata.uid ?? '', ...spec.selector.matchLabels };
  // A job without labels of its own takes those of its pods, the generated ones included.
  if (isLabelledLikePods || Object.keys(metadata.labels ?? {}).length === 0) {
    metadata.labels = { ...spec.template.metadata.labels };
  }
}

export function jobSelectorErrors(job: V1Job): FieldError[] {
  const selector = job.spec?.selector;
  const labels = job.spec?.template.metadata?.labels;
  const errors = [...generatedSelectorErrors(job), ...validateLabelSelector(selector, 'spec.selector')];
  if (selector === undefined) errors.push(required('spec.selector'));
  if ((selector === undefined || isUsableSelector(selector)) && !selectorMatches(selector, labels)) {
    errors.push(
      invalid('spec.template.metadata.labels', sortedLabels(labels), '`selector` does not match template `labels`'),
    );
  }
  return errors;
}

function generatedSelectorErrors(job: V1Job): FieldError[] {
  const { spec, metadata } = job;
  if (spec?.selector === undefined || spec.manualSelector === true) return [];
  const errors: FieldError[] = [];
  if (!metadata?.uid) errors.push(required('metadata.uid'));
  const expected = generatedLabels(job);
  const labels = spec.template.metadata?.labels ?? {};
  for (const key of [LEGACY_CONTROLLER_UID, LEGACY_JOB_NAME, CONTROLLER_UID, JOB_NAME]) {
    const at = `spec.template.metadata.labels[${key}]`;
    const detail = `must be '${expected[key]}'`;
    if (labels[key] === undefined) errors.push(required(at, detail));
    else if (labels[key] !== expected[key]) errors.push(invalid(at, sortedLabels(labels), detail));
  }
  if (isUsableSelector(spec.selector) && !selectorMatches(spec.selector, expected)) {
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  }
  return errors;
}

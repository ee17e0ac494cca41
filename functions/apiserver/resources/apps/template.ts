import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1LabelSelector, V1PodTemplateSpec } from '../../../../lib/schema/generated/types.js';
import { isDns1123Label } from '../shared/formats.js';
import { isEmptySelector, isUsableSelector, selectorMatches, sortedLabels } from '../shared/label-selector-match.js';
import { validateLabelSelector } from '../shared/labels.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { podSpecWarnings } from '../shared/pod-spec/warnings.js';
import { semanticallyEqual } from '../shared/equality.js';

const TEMPLATE = 'spec.template';

/** The selector of a workload must be there, be well-formed and not select everything. */
export function workloadSelectorErrors(selector: V1LabelSelector | undefined, noun: string): FieldError[] {
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (isEmptySelector(selector)) {
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${noun}`));
  }
  return errors;
}

/** The pods of a template must be selected by the workload that makes them. */
export function templateLabelErrors(template: V1PodTemplateSpec, selector: V1LabelSelector | undefined): FieldError[] {
  const labels = template.metadata?.labels;
  return selectorMatches(selector, labels)
    ? []
    : [invalid(`${TEMPLATE}.metadata.labels`, sortedLabels(labels), '`selector` does not match template `labels`')];
}

/** Workloads that keep their pods running: no other restart policy, no deadline. */
export function runningPodErrors(template: V1PodTemplateSpec, kind: string): FieldError[] {
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  return [
    ...(restartPolicy === 'Always'
      ? []
      : [notSupported(`${TEMPLATE}.spec.restartPolicy`, restartPolicy ?? '', ['Always'])]),
    ...(activeDeadlineSeconds === undefined
      ? []
      : [forbidden(`${TEMPLATE}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)]),
  ];
}

/** Selector and template of ReplicaSets, and of the Deployments that make them. */
export function replicaTemplateErrors(spec: {
  selector: V1LabelSelector | undefined;
  template: V1PodTemplateSpec;
}): FieldError[] {
  const { selector, template } = spec;
  const errors = workloadSelectorErrors(selector, 'deployment');
  if (selector !== undefined && !isUsableSelector(selector)) {
    return [...errors, invalid('spec.selector', selector, 'invalid label selector')];
  }
  return [
    ...errors,
    ...templateLabelErrors(template, selector),
    ...validatePodTemplateSpec(template, TEMPLATE),
    ...runningPodErrors(template, 'ReplicaSet'),
  ];
}

/** Names that become part of pod names had better be DNS labels. */
export function podNamePrefixWarnings(name: string | undefined): string[] {
  const messages = isDns1123Label(name ?? '');
  return messages.length === 0
    ? []
    : [
        `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
      ];
}

/** Warnings about a template that is new or has changed. */
export function templateWarnings(
  template: V1PodTemplateSpec | undefined,
  old: V1PodTemplateSpec | undefined,
  path = TEMPLATE,
): string[] {
  if (template?.spec === undefined || (old !== undefined && semanticallyEqual(template, old))) return [];
  return podSpecWarnings(template.spec, template.metadata, path);
}

import { forbidden, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { V1PodTemplateSpec } from '../../../../../lib/schema/generated/types.js';
import { validateAnnotations, validateLabels } from '../labels.js';
import { validatePodAnnotations } from './annotations.js';
import { TEMPLATE } from './options.js';
import { validatePodSpec } from './validate.js';

/** A template of pods: its labels, annotations and spec. Expects defaults to be filled in. */
export function validatePodTemplateSpec(template: V1PodTemplateSpec, path: string): FieldError[] {
  const { metadata } = template;
  const spec = template.spec ?? { containers: [] };
  const errors = [
    ...validateLabels(metadata?.labels, `${path}.labels`),
    ...validateAnnotations(metadata?.annotations, `${path}.annotations`),
    ...validatePodAnnotations(metadata?.annotations, spec, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`, TEMPLATE),
  ];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
  return errors;
}

import { invalid, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import { INT32_MAX } from '../formats.js';
import { containersWithPaths } from './containers-of.js';

export const MIRROR_POD_ANNOTATION = 'kubernetes.io/config.mirror';
export const APP_ARMOR_ANNOTATION_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';
const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/** Annotations of pods and templates that Kubernetes itself reads. */
export function validatePodAnnotations(
  annotations: Record<string, string> | undefined,
  spec: V1PodSpec,
  path: string,
): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  const mirror = annotations[MIRROR_POD_ANNOTATION];
  if (mirror !== undefined && (spec.nodeName ?? '') === '') {
    const why = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push(invalid(`${path}[${MIRROR_POD_ANNOTATION}]`, mirror, why));
  }
  const cost = annotations[DELETION_COST_ANNOTATION];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(invalid(`${path}[${DELETION_COST_ANNOTATION}]`, cost, 'must be a 32bit integer'));
  }
  for (const [key, profile] of Object.entries(annotations)) {
    if (key.startsWith(APP_ARMOR_ANNOTATION_PREFIX)) errors.push(...appArmorErrors(key, profile, spec, path));
  }
  return errors;
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) && Number(text) <= INT32_MAX && Number(text) >= -INT32_MAX - 1;
}

function appArmorErrors(key: string, profile: string, spec: V1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = key.slice(APP_ARMOR_ANNOTATION_PREFIX.length);
  if (!containersWithPaths(spec, '').some(({ container }) => container.name === name)) {
    errors.push(invalid(`${path}[${key}]`, name, 'container not found'));
  }
  if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith('localhost/')) {
    errors.push(invalid(`${path}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
  }
  return errors;
}

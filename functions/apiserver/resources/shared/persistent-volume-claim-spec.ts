import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1PersistentVolumeClaimSpec,
  V1PersistentVolumeClaimTemplate,
  V1TypedObjectReference,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from './formats.js';
import { validateAnnotations, validateLabels, validateLabelSelector } from './labels.js';
import { positiveQuantityErrors } from './resources.js';
import { forbiddenFields } from './pod-spec/env.js';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES: readonly string[] = ['Block', 'Filesystem'];

/** Access modes of claims and volumes; ReadWriteOncePod stands alone. */
export function accessModeErrors(field: string, modes: readonly string[]): FieldError[] {
  const errors = modes
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(field, mode, ACCESS_MODES));
  const others = modes.filter((mode) => ACCESS_MODES.includes(mode) && mode !== 'ReadWriteOncePod');
  if (modes.includes('ReadWriteOncePod') && others.length > 0) {
    errors.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

/** The spec of a claim, or of a template of claims. */
export function validatePersistentVolumeClaimSpec(spec: V1PersistentVolumeClaimSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'));
  errors.push(...validateLabelSelector(spec.selector, `${path}.selector`));
  errors.push(...accessModeErrors(`${path}.accessModes`, modes));
  const storage = spec.resources?.requests?.['storage'];
  const storageField = `${path}.resources[storage]`;
  if (storage === undefined) errors.push(required(storageField));
  else errors.push(...positiveQuantityErrors(storageField, storage));
  for (const name of ['storageClassName', 'volumeAttributesClassName'] as const) {
    const value = spec[name];
    if (value !== undefined && value !== '') errors.push(...formatErrors(`${path}.${name}`, value, isDns1123Subdomain));
  }
  if (spec.volumeMode !== undefined && !VOLUME_MODES.includes(spec.volumeMode)) {
    errors.push(notSupported(`${path}.volumeMode`, spec.volumeMode, VOLUME_MODES));
  }
  if (spec.dataSource !== undefined) errors.push(...dataSourceErrors(spec.dataSource, `${path}.dataSource`));
  if (spec.dataSourceRef !== undefined) errors.push(...dataSourceErrors(spec.dataSourceRef, `${path}.dataSourceRef`));
  return [...errors, ...dataSourcePairErrors(spec, path)];
}

function dataSourceErrors(source: V1TypedObjectReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const group = source.apiGroup ?? '';
  if ((source.name ?? '') === '') errors.push(required(`${path}.name`));
  if ((source.kind ?? '') === '') errors.push(required(`${path}.kind`));
  if (group === '' && source.kind !== 'PersistentVolumeClaim') {
    const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalid(path, source.kind ?? '', why));
  }
  if (group !== '') errors.push(...formatErrors(`${path}.apiGroup`, group, isDns1123Subdomain));
  const namespace = source.namespace ?? '';
  return namespace === '' ? errors : [...errors, ...formatErrors(`${path}.namespace`, namespace, isDns1123Label)];
}

function dataSourcePairErrors(spec: V1PersistentVolumeClaimSpec, path: string): FieldError[] {
  const { dataSource: source, dataSourceRef: reference } = spec;
  if (source === undefined || reference === undefined) return [];
  if ((reference.namespace ?? '') !== '') {
    return [invalid(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')];
  }
  const same =
    (source.apiGroup ?? '') === (reference.apiGroup ?? '') &&
    source.kind === reference.kind &&
    source.name === reference.name;
  return same ? [] : [invalid(path, `${path}.dataSource`, 'must match dataSourceRef')];
}

/** A template of claims may carry labels and annotations, no other metadata. */
export function validateClaimTemplate(template: V1PersistentVolumeClaimTemplate, path: string): FieldError[] {
  const metadata = template.metadata ?? {};
  const others = Object.keys(metadata).filter((field) => field !== 'labels' && field !== 'annotations');
  return [
    ...validateAnnotations(metadata.annotations, `${path}.metadata.annotations`),
    ...validateLabels(metadata.labels, `${path}.metadata.labels`),
    ...forbiddenFields(metadata, others, `${path}.metadata`, 'cannot be set'),
    ...validatePersistentVolumeClaimSpec(template.spec ?? {}, `${path}.spec`),
  ];
}

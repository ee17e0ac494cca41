import { deepEqual } from './equality.js';
import { forbidden, invalid, required, tooLong, type FieldError } from './field-errors.js';
import { validateLabels } from './label-selector.js';
import { parseApiVersion, type ObjectMeta, type OwnerReference } from './meta.js';
import { isDns1123Label, isQualifiedName, type NameRule } from './names.js';

export const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const FIELD_MANAGER_BYTES_MAX = 128;
const SUBRESOURCE_BYTES_MAX = 256;

const FIELD_IMMUTABLE = 'field is immutable';

export interface MetadataRules {
  isNamespaced: boolean;
  /** What names of the kind look like. */
  name: NameRule;
}

/**
 * Metadata of an object that is created (its name has been generated already), as apimachinery's ValidateObjectMeta. `path` is
 * `metadata`, or that of a template.
 */
export function validateObjectMeta(meta: ObjectMeta, rules: MetadataRules, path = 'metadata'): FieldError[] {
  const { name = '', generateName = '', generation = 0 } = meta;
  const errors: FieldError[] = [];
  if (generateName !== '') {
    errors.push(...rules.name(generateName, true).map((words) => invalid(`${path}.generateName`, generateName, words)));
  }
  if (name === '') errors.push(required(`${path}.name`, 'name or generateName is required'));
  else errors.push(...rules.name(name, false).map((words) => invalid(`${path}.name`, name, words)));
  errors.push(...validateNamespace(meta.namespace ?? '', rules.isNamespaced, `${path}.namespace`));
  if (generation < 0) {
    errors.push(invalid(`${path}.generation`, generation, 'must be greater than or equal to 0'));
  }
  return [
    ...errors,
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${path}.finalizers`),
    ...validateManagedFields(meta.managedFields, `${path}.managedFields`),
  ];
}

/** Metadata of an object that replaces an older one, as apimachinery's ValidateObjectMetaUpdate. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    errors.push(...validateNoNewFinalizers(meta.finalizers, old.finalizers, `${path}.finalizers`));
  }
  if ((meta.resourceVersion ?? '') === '') {
    errors.push(invalid(`${path}.resourceVersion`, '', 'must be specified for an update'));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid(`${path}.generation`, meta.generation ?? 0, 'must not be decremented'));
  }
  for (const field of ['name', 'namespace', 'uid'] as const) {
    errors.push(...validateImmutable(meta[field] ?? '', old[field] ?? '', `${path}.${field}`));
  }
  for (const field of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    errors.push(...validateImmutable(meta[field], old[field], `${path}.${field}`));
  }
  return [
    ...errors,
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`),
    ...validateManagedFields(meta.managedFields, `${path}.managedFields`),
  ];
}

/** `Invalid value: …: field is immutable` when the values differ. */
export function validateImmutable(value: unknown, old: unknown, path: string): FieldError[] {
  return deepEqual(value, old) ? [] : [invalid(path, value, FIELD_IMMUTABLE)];
}

function validateNamespace(namespace: string, isNamespaced: boolean, path: string): FieldError[] {
  if (!isNamespaced) return namespace === '' ? [] : [forbidden(path, 'not allowed on this type')];
  if (namespace === '') return [required(path)];
  return isDns1123Label(namespace).map((words) => invalid(path, namespace, words));
}

/** Keys, in whatever case, and the size of all together. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in annotations) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '');
    errors.push(...isQualifiedName(key.toLowerCase()).map((words) => invalid(path, key, words)));
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(path, ANNOTATIONS_BYTES_MAX));
  return errors;
}

export function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const reference of references ?? []) {
    errors.push(...validateOwnerReference(reference, path));
    if (reference.controller !== true) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === '') {
      controller = name;
    } else {
      const words = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(path, references, words));
    }
  }
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: string): FieldError[] {
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const errors: FieldError[] = [];
  if (parseApiVersion(apiVersion).version === '') {
    errors.push(invalid(`${path}.apiVersion`, apiVersion, 'version must not be empty'));
  }
  if (kind === '') errors.push(invalid(`${path}.kind`, kind, 'must not be empty'));
  if (name === '') errors.push(invalid(`${path}.name`, name, 'must not be empty'));
  if (uid === '') errors.push(invalid(`${path}.uid`, uid, 'must not be empty'));
  if (apiVersion === 'v1' && kind === 'Event') {
    errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

export function validateFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  const errors = (finalizers ?? []).flatMap((finalizer) =>
    isQualifiedName(finalizer).map((words) => invalid(path, finalizer, words)),
  );
  if (finalizers?.includes('orphan') === true && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

/** An object that is being deleted may lose finalizers but gain none. */
export function validateNoNewFinalizers(
  finalizers: readonly string[] | undefined,
  old: readonly string[] | undefined,
  path: string,
): FieldError[] {
  const known = new Set(old);
  const added = [...new Set(finalizers)].filter((one) => !known.has(one)).toSorted();
  if (added.length === 0) return [];
  const list = added.map((one) => JSON.stringify(one)).join(', ');
  return [
    forbidden(
      path,
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    ),
  ];
}

/** Who wrote which fields (metav1.ManagedFieldsEntry). */
function validateManagedFields(entries: readonly unknown[] | undefined, path: string): FieldError[] {
  return (entries ?? []).flatMap((entry, index) =>
    validateManagedFieldsEntry(entry as ManagedFieldsEntry, `${path}[${index}]`),
  );
}

interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  fieldsType?: string;
  subresource?: string;
}

function validateManagedFieldsEntry(entry: ManagedFieldsEntry, path: string): FieldError[] {
  const { manager = '', operation = '', fieldsType = '', subresource = '' } = entry;
  const errors: FieldError[] = [];
  if (operation !== 'Apply' && operation !== 'Update') {
    errors.push(invalid(`${path}.operation`, operation, 'must be `Apply` or `Update`'));
  }
  if (fieldsType !== '' && fieldsType !== 'FieldsV1') {
    errors.push(invalid(`${path}.fieldsType`, fieldsType, 'must be `FieldsV1`'));
  }
  errors.push(...validateFieldManager(manager, `${path}.manager`));
  if (Buffer.byteLength(subresource) > SUBRESOURCE_BYTES_MAX) {
    errors.push(tooLong(`${path}.subresource`, SUBRESOURCE_BYTES_MAX));
  }
  return errors;
}

/** The `fieldManager` parameter of writes. */
export function validateFieldManager(manager: string, path = 'fieldManager'): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > FIELD_MANAGER_BYTES_MAX) errors.push(tooLong(path, FIELD_MANAGER_BYTES_MAX));
  let position = 0;
  for (const character of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
      const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

import { forbidden, invalid, notSupported, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1PersistentVolumeClaim, V1PersistentVolumeClaimSpec } from '../../../../lib/schema/generated/types.js';
import { defineKind, type Column } from '../kind.js';
import { accessModesText } from '../shared/access-modes.js';
import { AGE } from '../shared/columns.js';
import { semanticallyEqual } from '../shared/equality.js';
import { FIELD_IS_IMMUTABLE, formatErrors, isQualifiedName } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { validatePersistentVolumeClaimSpec } from '../shared/persistent-volume-claim-spec.js';
import { compareQuantities } from '../shared/quantities.js';
import { isNativeResource, nonNegativeQuantityErrors, resourceQuantityErrors } from '../shared/resources.js';
import { unifiedDiff } from '../shared/unified-diff.js';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const REQUESTS_STORAGE = 'spec.resources.requests.storage';
const UNSET = '<unset>';

export const persistentVolumeClaim = defineKind<V1PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  hasStatus: true,
  inert: true,
  returnsDeletedObject: true,
  defaults(object) {
    const spec = (object.spec ??= {});
    spec.volumeMode ??= 'Filesystem';
    if (object.status !== undefined) object.status.phase ||= 'Pending';
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
    alignDataSources(object.spec ?? {});
  },
  prepareForUpdate(object) {
    alignDataSources(object.spec ?? {});
  },
  validate: (object) => validatePersistentVolumeClaimSpec(object.spec ?? {}, 'spec'),
  validateUpdate,
  validateStatusUpdate: statusErrors,
  warnings(object) {
    return object.metadata?.annotations?.[CLASS_ANNOTATION] === undefined
      ? []
      : [`metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`];
  },
  columns: [
    {
      name: 'Status',
      type: 'string',
      description: 'Whether the claim is bound to a volume.',
      cell: (object) =>
        object.metadata?.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating',
    },
    {
      name: 'Volume',
      type: 'string',
      description: 'The volume behind the claim.',
      cell: (object) => object.spec?.volumeName ?? '',
    },
    {
      name: 'Capacity',
      type: 'string',
      description: 'Size of the volume behind the claim.',
      cell: (object) => (isBound(object) ? (object.status?.capacity?.['storage'] ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      type: 'string',
      description: 'Ways the volume can be mounted.',
      cell: (object) => (isBound(object) ? accessModesText(object.status?.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      type: 'string',
      description: 'StorageClass of the pvc',
      cell: (object) => object.metadata?.annotations?.[CLASS_ANNOTATION] ?? object.spec?.storageClassName ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'VolumeAttributesClass of the pvc',
      cell: (object) => object.spec?.volumeAttributesClassName ?? UNSET,
    },
    AGE as Column<V1PersistentVolumeClaim>,
    {
      name: 'VolumeMode',
      type: 'string',
      priority: 1,
      description: 'Filesystem or Block.',
      cell: (object) => object.spec?.volumeMode ?? UNSET,
    },
  ],
});

function isBound(object: V1PersistentVolumeClaim): boolean {
  return (object.spec?.volumeName ?? '') !== '';
}

/** Old clients know `dataSource` alone, new ones `dataSourceRef`; each stands for the other within the namespace. */
function alignDataSources(spec: V1PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource };
  else if (dataSource === undefined && dataSourceRef !== undefined && (dataSourceRef.namespace ?? '') === '') {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
  }
}

function validateUpdate(object: V1PersistentVolumeClaim, old: V1PersistentVolumeClaim): FieldError[] {
  const spec = object.spec ?? {};
  const before = old.spec ?? {};
  const errors: FieldError[] = [];
  const annotation = object.metadata?.annotations?.[CLASS_ANNOTATION] ?? '';
  const oldAnnotation = old.metadata?.annotations?.[CLASS_ANNOTATION] ?? '';
  if (annotation !== oldAnnotation && !(annotation === '' && spec.storageClassName === oldAnnotation)) {
    errors.push(invalid(`metadata.annotations.${CLASS_ANNOTATION}`, annotation, FIELD_IS_IMMUTABLE));
  }
  const compared: V1PersistentVolumeClaimSpec = { ...spec };
  if (object.status?.phase === 'Bound') compared.volumeAttributesClassName = before.volumeAttributesClassName;
  const comparedOld: V1PersistentVolumeClaimSpec = { ...before };
  // A claim is bound once; until then it may still be given a class.
  if ((before.volumeName ?? '') === '') comparedOld.volumeName = spec.volumeName;
  if (before.storageClassName === undefined) compared.storageClassName = undefined;
  const size = spec.resources?.requests?.['storage'] ?? '0';
  const oldSize = before.resources?.requests?.['storage'] ?? '0';
  if (object.status?.phase === 'Bound') {
    compared.resources = { ...spec.resources, requests: { ...spec.resources?.requests, storage: oldSize } };
  }
  if (!semanticallyEqual(compared, comparedOld)) {
    const difference = unifiedDiff(comparedOld, compared);
    const why = `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${difference}`;
    errors.push(forbidden('spec', why));
  }
  // A claim whose growth failed may be made smaller again, but not smaller than its volume is.
  const capacity = old.status?.capacity?.['storage'];
  if (compareQuantities(size, oldSize) < 0 && (capacity === undefined || compareQuantities(size, capacity) <= 0)) {
    errors.push(forbidden(REQUESTS_STORAGE, 'field can not be less than status.capacity'));
  }
  return [
    ...errors,
    ...immutableErrors('volumeMode', spec.volumeMode, before.volumeMode),
    ...attributesClassErrors(object, old),
  ];
}

/** Once a class has been applied the claim keeps one. */
function attributesClassErrors(object: V1PersistentVolumeClaim, old: V1PersistentVolumeClaim): FieldError[] {
  const field = 'spec.volumeAttributesClassName';
  const name = object.spec?.volumeAttributesClassName;
  if (name === old.spec?.volumeAttributesClassName) return [];
  if (old.status?.currentVolumeAttributesClassName === undefined) return [];
  const when = 'is forbidden when status.currentVolumeAttributesClassName is not nil';
  if (name === undefined) return [forbidden(field, `update to nil ${when}`)];
  return name === '' ? [forbidden(field, `update to empty string ${when}`)] : [];
}

const RESIZE_STATUSES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
].toSorted();

function statusErrors({ status }: V1PersistentVolumeClaim): FieldError[] {
  const { capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} } = status ?? {};
  return [
    ...Object.entries(capacity).flatMap(([name, quantity]) =>
      nonNegativeQuantityErrors(`status.capacity[${name}]`, quantity),
    ),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, state]) => [
      ...resourceKeyErrors('status.allocatedResourceStatuses', name),
      ...(RESIZE_STATUSES.includes(state)
        ? []
        : [notSupported('status.allocatedResourceStatuses', name, RESIZE_STATUSES)]),
    ]),
    ...Object.entries(allocatedResources).flatMap(([name, quantity]) => {
      const errors = resourceKeyErrors('status.allocatedResources', name);
      return errors.length > 0 ? errors : resourceQuantityErrors(`status.allocatedResources[${name}]`, name, quantity);
    }),
  ];
}

/** Of Kubernetes' own resources storage alone, and what others call theirs. */
function resourceKeyErrors(field: string, name: string): FieldError[] {
  const errors = formatErrors(field, name, isQualifiedName);
  if (errors.length > 0 || !isNativeResource(name) || name === 'storage') return errors;
  return [notSupported(field, name, ['storage'])];
}

import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1NodeSelectorTerm,
  V1PersistentVolume,
  V1PersistentVolumeSpec,
} from '../../../../lib/schema/generated/types.js';
import { defineKind, type Column } from '../kind.js';
import { accessModesText } from '../shared/access-modes.js';
import { AGE } from '../shared/columns.js';
import { semanticallyEqual } from '../shared/equality.js';
import { FIELD_IS_IMMUTABLE, formatErrors, isDns1123Subdomain } from '../shared/formats.js';
import { accessModeErrors, VOLUME_MODES } from '../shared/persistent-volume-claim-spec.js';
import { backstepErrors } from '../shared/pod-spec/paths.js';
import { validateNodeSelector } from '../shared/pod-spec/scheduling.js';
import { defaultVolumeSource } from '../shared/pod-spec/volume-defaults.js';
import { csiDriverErrors, validateOneSource, VOLUME_SOURCE_RULES } from '../shared/pod-spec/volume-sources.js';
import { positiveQuantityErrors } from '../shared/resources.js';
import { unifiedDiff } from '../shared/unified-diff.js';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const UNSET = '<unset>';
const GA_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

const { gitRepo: _gitRepo, persistentVolumeClaim: _claim, csi: _csi, ...SHARED_SOURCES } = VOLUME_SOURCE_RULES;
const SOURCES: typeof VOLUME_SOURCE_RULES = {
  ...SHARED_SOURCES,
  local: (source: { path?: string }, path: string) =>
    (source.path ?? '') === '' ? [required(`${path}.path`)] : backstepErrors(`${path}.path`, source.path ?? ''),
  csi: csiErrors,
};

export const persistentVolume = defineKind<V1PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.PersistentVolume',
  hasStatus: true,
  inert: true,
  returnsDeletedObject: true,
  defaults(object) {
    const spec = (object.spec ??= {});
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    defaultVolumeSource(spec);
    if (object.status !== undefined) object.status.phase ||= 'Pending';
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  validate: validateVolume,
  validateUpdate,
  warnings(object) {
    const { spec = {} } = object;
    const warnings: string[] = [];
    if (object.metadata?.annotations?.[CLASS_ANNOTATION] !== undefined) {
      warnings.push(
        `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      );
    }
    if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
      warnings.push(
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      );
    }
    return warnings;
  },
  columns: [
    specColumn('Capacity', 'Size of the volume.', (spec) => spec.capacity?.['storage'] ?? '0'),
    specColumn('Access Modes', 'Ways the volume can be mounted.', (spec) => accessModesText(spec.accessModes)),
    specColumn(
      'Reclaim Policy',
      'What happens to the volume when its claim is gone.',
      (spec) => spec.persistentVolumeReclaimPolicy ?? '',
    ),
    {
      name: 'Status',
      type: 'string',
      description: 'Whether the volume is available, bound or released.',
      cell: (object) =>
        object.metadata?.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating',
    },
    specColumn('Claim', 'The claim the volume is bound to.', ({ claimRef }) =>
      claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
    ),
    {
      name: 'StorageClass',
      type: 'string',
      description: 'StorageClass of the pv',
      cell: (object) => object.metadata?.annotations?.[CLASS_ANNOTATION] ?? object.spec?.storageClassName ?? '',
    },
    specColumn(
      'VolumeAttributesClass',
      'VolumeAttributesClass of the pv',
      (spec) => spec.volumeAttributesClassName ?? UNSET,
    ),
    {
      name: 'Reason',
      type: 'string',
      description: 'Why the volume is in its state.',
      cell: (object) => object.status?.reason ?? '',
    },
    AGE as Column<V1PersistentVolume>,
    { ...specColumn('VolumeMode', 'Filesystem or Block.', (spec) => spec.volumeMode ?? UNSET), priority: 1 },
  ],
});

function specColumn(
  name: string,
  description: string,
  text: (spec: V1PersistentVolumeSpec) => string,
): Column<V1PersistentVolume> {
  return { name, type: 'string', description, cell: (object) => text(object.spec ?? {}) };
}

function csiErrors(source: object, path: string): FieldError[] {
  const csi = source as Record<string, { name?: string; namespace?: string } | string | undefined>;
  const errors = csiDriverErrors(`${path}.driver`, csi['driver'] as string | undefined);
  if ((csi['volumeHandle'] ?? '') === '') errors.push(required(`${path}.volumeHandle`));
  for (const field of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ]) {
    const reference = csi[field];
    if (typeof reference !== 'object') continue;
    for (const part of ['name', 'namespace'] as const) {
      if ((reference[part] ?? '') === '') errors.push(required(`${path}.${field}.${part}`));
    }
  }
  return errors;
}

function validateVolume(object: V1PersistentVolume): FieldError[] {
  const spec = object.spec ?? {};
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: reclaim = '' } = spec;
  const errors: FieldError[] = accessModes.length === 0 ? [required('spec.accessModes')] : [];
  errors.push(...accessModeErrors('spec.accessModes', accessModes));
  const names = Object.keys(capacity);
  if (names.length === 0) errors.push(required('spec.capacity'));
  if (!names.includes('storage') || names.length > 1) {
    errors.push(notSupported('spec.capacity', capacity, ['storage']));
  }
  for (const [name, quantity] of Object.entries(capacity)) {
    errors.push(...positiveQuantityErrors(`spec.capacity[${name}]`, quantity));
  }
  if (reclaim !== '' && !RECLAIM_POLICIES.includes(reclaim)) {
    errors.push(notSupported('spec.persistentVolumeReclaimPolicy', reclaim, RECLAIM_POLICIES));
  }
  const affinity = spec.nodeAffinity;
  if (affinity !== undefined) {
    if (affinity.required === undefined) {
      errors.push(required('spec.nodeAffinity.required', 'must specify required node constraints'));
    } else errors.push(...validateNodeSelector(affinity.required, 'spec.nodeAffinity.required'));
  }
  errors.push(...validateOneSource(spec, 'spec', SOURCES));
  if (spec.local !== undefined && affinity === undefined) {
    errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  }
  if (reclaim === 'Recycle' && /^\/+(\.\/*)*$/.test(spec.hostPath?.path ?? '')) {
    const why = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', why));
  }
  if ((spec.storageClassName ?? '') !== '') {
    errors.push(...formatErrors('spec.storageClassName', spec.storageClassName ?? '', isDns1123Subdomain));
  }
  if (spec.volumeMode !== undefined && !VOLUME_MODES.includes(spec.volumeMode)) {
    errors.push(notSupported('spec.volumeMode', spec.volumeMode, VOLUME_MODES));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === '') errors.push(required('spec.volumeAttributesClassName', 'an empty string is disallowed'));
  else if (attributes !== undefined) {
    errors.push(...formatErrors('spec.volumeAttributesClassName', attributes, isDns1123Subdomain));
    if (spec.csi === undefined) {
      errors.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'));
    }
  }
  return errors;
}

function validateUpdate(object: V1PersistentVolume, old: V1PersistentVolume): FieldError[] {
  const spec = object.spec ?? {};
  const before = old.spec ?? {};
  const errors: FieldError[] = [];
  const source = sourceOf(spec);
  const oldSource = sourceOf(before);
  // A secret for expansion may be added later.
  if (
    source.csi !== undefined &&
    oldSource.csi !== undefined &&
    oldSource.csi.controllerExpandSecretRef === undefined
  ) {
    source.csi = { ...source.csi };
    delete source.csi.controllerExpandSecretRef;
  }
  if (!semanticallyEqual(source, oldSource)) {
    const why = `spec.persistentvolumesource is immutable after creation\n${unifiedDiff(oldSource, source)}`;
    errors.push(forbidden('spec.persistentvolumesource', why));
  }
  if (spec.volumeMode !== before.volumeMode) {
    errors.push(invalid('volumeMode', spec.volumeMode ?? null, FIELD_IS_IMMUTABLE));
  }
  if (before.nodeAffinity !== undefined && !sameButForGaLabels(spec, before)) {
    const why = `${FIELD_IS_IMMUTABLE}, except for updating from beta label to GA`;
    errors.push(invalid('nodeAffinity', spec.nodeAffinity ?? null, why));
  }
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

function sourceOf(spec: V1PersistentVolumeSpec): V1PersistentVolumeSpec {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => field in SOURCES));
}

function sameButForGaLabels(spec: V1PersistentVolumeSpec, before: V1PersistentVolumeSpec): boolean {
  const withGaLabels = (
    terms: readonly V1NodeSelectorTerm[] | undefined,
    newTerms: readonly V1NodeSelectorTerm[] | undefined,
  ) =>
    (terms ?? []).map((term, index) => ({
      ...term,
      matchExpressions: (term.matchExpressions ?? []).map((requirement, position) => {
        const key = newTerms?.[index]?.matchExpressions?.[position]?.key;
        return key !== undefined && GA_LABELS[requirement.key] === key ? { ...requirement, key } : requirement;
      }),
    }));
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return semanticallyEqual(
    withGaLabels(before.nodeAffinity?.required?.nodeSelectorTerms, terms),
    withGaLabels(terms, terms),
  );
}

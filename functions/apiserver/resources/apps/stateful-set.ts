import type {
  V1StatefulSet,
  V1StatefulSetSpec,
  V1StatefulSetUpdateStrategy,
} from '../../../../lib/schema/generated/types.js';
import { forbidden, type FieldError } from '../../../../lib/api/field-errors.js';
import { semanticallyEqual } from '../shared/equality.js';
import { isDns1123Label, nameAs } from '../shared/formats.js';
import { defaultPodTemplateSpec } from '../shared/pod-spec/defaults.js';
import { collisionCountErrors, statusCountErrors, statusPartErrors } from '../shared/status-counts.js';
import { statefulSetSpecErrors } from './stateful-set-rules.js';
import { templateWarnings } from './template.js';
import { validatePersistentVolumeClaimSpec } from '../shared/persistent-volume-claim-spec.js';
import { defineKind } from '../kind.js';
import { AGE, containerColumns } from '../shared/columns.js';

const STATUS_COUNTS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
] as const;

const NEGATIVE_HISTORY =
  'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';

/** What may change in a spec. */
const MUTABLE_FIELDS: ReadonlySet<string> = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

export const statefulSet = defineKind<V1StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  namespaced: true,
  definition: 'io.k8s.api.apps.v1.StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
  hasStatus: true,
  hasGeneration: true,
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
  validateName: nameAs(isDns1123Label),
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    defaultStrategy(spec.updateStrategy);
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    defaultPodTemplateSpec(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1';
      claim.kind = 'PersistentVolumeClaim';
      claim.spec ??= {};
      claim.spec.volumeMode ||= 'Filesystem';
      claim.status ??= {};
      claim.status.phase ||= 'Pending';
    }
  },
  prepareForCreate: ({ spec }) => dropMaxUnavailable(spec),
  prepareForUpdate(object, old) {
    if (old.spec?.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) dropMaxUnavailable(object.spec);
  },
  validate: ({ spec }) => (spec === undefined ? [] : statefulSetSpecErrors(spec)),
  validateCreate: ({ spec }) =>
    (spec?.volumeClaimTemplates ?? []).flatMap((claim, index) =>
      validatePersistentVolumeClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`),
    ),
  validateUpdate: (object, old) => updateErrors(object.spec, old.spec),
  validateStatusUpdate: ({ status }, old) => [
    ...statusCountErrors(status, STATUS_COUNTS),
    ...statusPartErrors(status, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], {
      field: 'replicas',
      message: 'cannot be greater than status.replicas',
    }),
    ...statusPartErrors(status, ['availableReplicas'], {
      field: 'readyReplicas',
      message: 'cannot be greater than status.readyReplicas',
    }),
    ...collisionCountErrors(status, old.status),
  ],
  warnings: ({ spec }, old) => [
    ...templateWarnings(spec?.template, old?.spec?.template),
    ...((spec?.revisionHistoryLimit ?? 0) < 0 ? [NEGATIVE_HISTORY] : []),
  ],
  columns: [
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    },
    AGE,
    ...containerColumns<V1StatefulSet>((object) => object.spec?.template.spec?.containers),
  ],
});

function defaultStrategy(strategy: V1StatefulSetUpdateStrategy): void {
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined) {
    strategy.rollingUpdate.partition ??= 0;
  }
}

/** Behind a feature gate (MaxUnavailableStatefulSet) that is off in Kubernetes 1.36 unless asked for. */
function dropMaxUnavailable(spec: V1StatefulSetSpec | undefined): void {
  delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
}

function updateErrors(spec: V1StatefulSetSpec | undefined, old: V1StatefulSetSpec | undefined): FieldError[] {
  return semanticallyEqual(immutablePart(spec), immutablePart(old))
    ? []
    : [
        forbidden(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      ];
}

function immutablePart(spec: V1StatefulSetSpec | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !MUTABLE_FIELDS.has(field)));
}

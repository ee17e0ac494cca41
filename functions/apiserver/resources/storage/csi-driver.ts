import type { StorageV1TokenRequest, V1CSIDriver, V1CSIDriverSpec } from '../../../../lib/schema/generated/types.js';
import { duplicate, invalid, type FieldError } from '../../../../lib/api/field-errors.js';

import { immutableErrors } from '../shared/immutable.js';
import { oneOfErrors } from '../shared/one-of.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const LIFECYCLE_MODES = ['Persistent', 'Ephemeral'];
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const UPDATE_PERIOD_SECONDS_MIN = 10;

export const csiDriver = defineKind<V1CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  definition: 'io.k8s.api.storage.v1.CSIDriver',
  allowUnconditionalUpdate: false,
  inert: true,
  defaults({ spec }) {
    if (spec === undefined) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  validate: ({ spec }) => specErrors(spec ?? {}),
  validateUpdate: (object, old) => [
    // The first path is Kubernetes' own spelling.
    ...immutableErrors('spec.attachedRequired', object.spec?.attachRequired, old.spec?.attachRequired),
    ...immutableErrors('spec.volumeLifecycleModes', object.spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes),
  ],
  columns: [
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether volumes must be attached.',
      cell: (object) => object.spec?.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether mounts are told of the pod.',
      cell: (object) => object.spec?.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether scheduling considers capacity.',
      cell: (object) => object.spec?.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      type: 'string',
      description: 'Audiences of the tokens mounts get.',
      cell: (object) => object.spec?.tokenRequests?.map((request) => request.audience).join(',') ?? '<unset>',
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether mounts are repeated.',
      cell: (object) => object.spec?.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      type: 'string',
      description: 'Kinds of volumes the driver supports.',
      cell: (object) => object.spec?.volumeLifecycleModes?.join(',') || '<none>',
    },
    AGE,
  ],
});

function specErrors(spec: V1CSIDriverSpec): FieldError[] {
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [], serviceAccountTokenInSecrets } = spec;
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  return [
    ...(fsGroupPolicy === undefined ? [] : oneOfErrors('spec.fsGroupPolicy', fsGroupPolicy, FS_GROUP_POLICIES)),
    ...tokenRequestErrors(tokenRequests),
    ...volumeLifecycleModes.flatMap((mode) => oneOfErrors('spec.volumeLifecycleModes', mode, LIFECYCLE_MODES)),
    ...(period !== undefined && period < UPDATE_PERIOD_SECONDS_MIN
      ? [
          invalid(
            'spec.nodeAllocatableUpdatePeriodSeconds',
            period,
            `must be greater than or equal to ${UPDATE_PERIOD_SECONDS_MIN} seconds`,
          ),
        ]
      : []),
    ...(serviceAccountTokenInSecrets !== undefined && tokenRequests.length === 0
      ? [
          invalid(
            'spec.serviceAccountTokenInSecrets',
            serviceAccountTokenInSecrets,
            'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
          ),
        ]
      : []),
  ];
}

function tokenRequestErrors(requests: readonly StorageV1TokenRequest[]): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds = TOKEN_SECONDS_MIN }, index) => {
    const path = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) return [duplicate(`${path}.audience`, audience)];
    audiences.add(audience);
    const field = `${path}.expirationSeconds`;
    if (expirationSeconds < TOKEN_SECONDS_MIN) {
      return [invalid(field, expirationSeconds, 'may not specify a duration less than 10 minutes')];
    }
    return expirationSeconds > TOKEN_SECONDS_MAX
      ? [invalid(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')]
      : [];
  });
}

import type { V1ServiceAccount } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const ENFORCE_MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccount = defineKind<V1ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ServiceAccount',
  subresources: [
    {
      name: 'token',
      verbs: ['create'],
      bodyKind: {
        group: 'authentication.k8s.io',
        version: 'v1',
        kind: 'TokenRequest',
        definition: 'io.k8s.api.authentication.v1.TokenRequest',
      },
    },
  ],
  returnsDeletedObject: true,
  warnings(object, old) {
    const value = object.metadata?.annotations?.[ENFORCE_MOUNTABLE];
    if (value === undefined || value === old?.metadata?.annotations?.[ENFORCE_MOUNTABLE]) return [];
    return [
      `metadata.annotations[${ENFORCE_MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
    ];
  },
  columns: [
    {
      name: 'Secrets',
      type: 'string',
      description: 'How many secrets pods of the service account may use.',
      cell: (object) => (object.secrets ?? []).length,
    },
    AGE,
  ],
});

import type { V1ServiceAccount } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

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
});

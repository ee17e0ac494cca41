import type { V1CertificateSigningRequest } from '../../../../lib/schema/generated/types.js';
import { fillConditionTimes, keepDecisions } from './conditions.js';
import { requestSpecErrors, requestStatusErrors } from './request-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { humanDuration } from '../shared/human-duration.js';

export const certificateSigningRequest = defineKind<V1CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  namespaced: false,
  definition: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  shortNames: ['csr'],
  hasStatus: true,
  inert: true,
  subresources: [{ name: 'approval', verbs: ['get', 'patch', 'update'] }],
  fieldLabels: { 'spec.signerName': (object) => object.spec?.signerName ?? '' },
  // Requests may be called anything.
  validateName: () => [],
  prepareForCreate({ spec }, { user }) {
    if (spec === undefined) return;
    spec.username = user.username;
    spec.groups = [...user.groups];
    if (user.uid === undefined) delete spec.uid;
    else spec.uid = user.uid;
    if (user.extra === undefined) delete spec.extra;
    else spec.extra = user.extra;
  },
  prepareForUpdate(object, old, { subresource, clock }) {
    if (old.spec !== undefined) object.spec = old.spec;
    if (subresource === 'approval') fillConditionTimes(object, old, clock.now());
  },
  prepareForStatusUpdate(object, old, { clock }) {
    keepDecisions(object, old);
    fillConditionTimes(object, old, clock.now());
  },
  validateCreate: ({ spec }) => (spec === undefined ? [] : requestSpecErrors(spec)),
  validateUpdate: (object, old, { subresource }) =>
    requestStatusErrors(object, old, { decisions: subresource === 'approval', certificate: false }),
  validateStatusUpdate: (object, old) => requestStatusErrors(object, old, { decisions: false, certificate: true }),
  columns: [
    AGE,
    {
      name: 'SignerName',
      type: 'string',
      description: 'Who should sign.',
      cell: (object) => object.spec?.signerName || '<none>',
    },
    {
      name: 'Requestor',
      type: 'string',
      description: 'Who asked for the certificate.',
      cell: (object) => object.spec?.username ?? '',
    },
    {
      name: 'RequestedDuration',
      type: 'string',
      description: 'Lifetime asked for.',
      cell: (object) =>
        object.spec?.expirationSeconds === undefined ? '<none>' : humanDuration(object.spec.expirationSeconds * 1000),
    },
    { name: 'Condition', type: 'string', description: 'State of the request.', cell: (object) => condition(object) },
  ],
});

/** `Approved,Issued` */
function condition(object: V1CertificateSigningRequest): string {
  const { conditions = [], certificate = '' } = object.status ?? {};
  const has = (type: string): boolean => conditions.some((one) => one.type === type);
  return [
    has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending',
    ...(has('Failed') ? ['Failed'] : []),
    ...(certificate === '' ? [] : ['Issued']),
  ].join(',');
}

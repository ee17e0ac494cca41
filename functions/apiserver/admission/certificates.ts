import { deepEqual } from '../../../lib/api/equality.js';
import type { V1CertificateSigningRequest } from '../../../lib/schema/generated/types.js';
import { MASTERS_GROUP } from '../auth/users.js';
import { requestOrganizations } from '../resources/certificates/certificate-request.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.js';
import { refusal } from './refusal.js';

const GROUP = 'certificates.k8s.io';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** Who approves or denies a request must be allowed to `approve` its signer. */
export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  async validate(attributes, context) {
    if (attributes.operation !== 'UPDATE' || !isRequest(attributes, 'approval')) return;
    const { signerName } = specOf(attributes.oldObject);
    if (await maySign(attributes, context, { verb: 'approve', signerName })) return;
    throw refusal(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  },
};

/** Who issues a certificate or says why not must be allowed to `sign` for its signer. */
export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  async validate(attributes, context) {
    if (attributes.operation !== 'UPDATE' || !isRequest(attributes, 'status')) return;
    const statusOf = (object: unknown) => (object as V1CertificateSigningRequest).status;
    const [status, old] = [statusOf(attributes.object), statusOf(attributes.oldObject)];
    if (
      (status?.certificate ?? '') === (old?.certificate ?? '') &&
      deepEqual(status?.conditions ?? [], old?.conditions ?? [])
    )
      return;
    const { signerName } = specOf(attributes.oldObject);
    if (await maySign(attributes, context, { verb: 'sign', signerName })) return;
    throw refusal(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
  },
};

/** Nobody asks the API server's own client signer for the group that may do everything. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate(attributes) {
    if (attributes.operation !== 'CREATE' || !isRequest(attributes, '')) return;
    const { signerName, request } = specOf(attributes.object);
    if (signerName !== CLIENT_SIGNER) return;
    if (!requestOrganizations(Buffer.from(request, 'base64').toString()).includes(MASTERS_GROUP)) return;
    throw refusal(attributes, `use of ${CLIENT_SIGNER} signer with ${MASTERS_GROUP} group is not allowed`);
  },
};

function isRequest({ kind, subresource }: AdmissionAttributes, wanted: string): boolean {
  return kind.group === GROUP && kind.plural === 'certificatesigningrequests' && subresource === wanted;
}

function specOf(object: unknown): { signerName: string; request: string } {
  const { signerName = '', request = '' } = (object as V1CertificateSigningRequest).spec ?? {};
  return { signerName, request };
}

/** By the signer's own name, or by its domain: `example.com/*`. */
async function maySign(
  { user }: AdmissionAttributes,
  { authorizer }: AdmissionContext,
  { verb, signerName }: { verb: 'approve' | 'sign'; signerName: string },
): Promise<boolean> {
  const domain = signerName.slice(0, Math.max(0, signerName.indexOf('/')));
  for (const name of [signerName, `${domain}/*`]) {
    const { allowed } = await authorizer.authorize({
      user,
      verb,
      resourceRequest: true,
      group: GROUP,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      path: '',
    });
    if (allowed) return true;
  }
  return false;
}

export {
  CertificateAuthority,
  createCertificateAuthority,
  type CertificateAndKey,
  type PkiContext,
  type SignOptions,
} from './certificate-authority.js';
export type { CertificateUsage, ServerNames, Subject } from './certificate.js';
export { PkiError, type PkiErrorCode } from './errors.js';
export { inspectCertificate, isIssuedBy, needsRenewal, type CertificateInfo } from './inspect.js';
export { CA_VALIDITY_MS, CERTIFICATE_VALIDITY_MS } from './limits.js';

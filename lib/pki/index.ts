export {
  CertificateAuthority,
  createCertificateAuthority,
  type CertificateAndKey,
  type CertificateUsage,
  type PkiContext,
  type ServerNames,
  type SignOptions,
  type Subject,
} from './certificate-authority.js';
export { PkiError, type PkiErrorCode } from './errors.js';
export { inspectCertificate, isIssuedBy, needsRenewal, type CertificateInfo } from './inspect.js';
export { CA_VALIDITY_MS, CERTIFICATE_VALIDITY_MS } from './limits.js';

export type PkiErrorCode =
  /** The text is not a certificate, key or certificate request in PEM form. */
  | 'malformed'
  /** A certificate request's own signature does not fit its key. */
  | 'bad-signature';

export class PkiError extends Error {
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PkiError';
    this.code = code;
  }
}

/** Malformed: the text is not a certificate or key in PEM form. */
export type PkiErrorCode = 'malformed';

export class PkiError extends Error {
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PkiError';
    this.code = code;
  }
}

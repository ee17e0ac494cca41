/** Why an applied configuration, or a set of fields, cannot be used. */
export type ApplyErrorCode =
  /** The configuration does not fit the schema of its kind. */
  | 'BadConfiguration'
  /** A text is no set of fields, or an entry no entry of managedFields. */
  | 'BadManagedFields';

export class ApplyError extends Error {
  readonly code: ApplyErrorCode;

  constructor(code: ApplyErrorCode, message: string) {
    super(message);
    this.name = 'ApplyError';
    this.code = code;
  }
}

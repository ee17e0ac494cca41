export type BackupErrorCode =
  /** The file is something else. */
  | 'not-a-backup'
  /** It is cut short, or bytes of it have changed. */
  | 'damaged'
  /** Written by a newer version. */
  | 'newer'
  /** The cluster changes faster than it can be read. Nothing was written. */
  | 'overtaken';

/** Why a backup cannot be made or read. The message says what to do. */
export class BackupError extends Error {
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
    this.code = code;
  }
}

export type DataFolderErrorCode =
  /** Another live process has it open. */
  | 'locked'
  /** Written by a newer version. */
  | 'format'
  /** It cannot be created, or what is in it is not a readable store. */
  | 'unreadable';

/** Why a data folder cannot be opened. The message says what to do. */
export class DataFolderError extends Error {
  readonly code: DataFolderErrorCode;
  readonly directory: string;

  constructor(code: DataFolderErrorCode, message: string, options: { directory: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'DataFolderError';
    this.code = code;
    this.directory = options.directory;
  }
}

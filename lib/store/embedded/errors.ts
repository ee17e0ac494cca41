export type DataFolderErrorCode =
  /** Another live process has it open. */
  | 'locked'
  /** Written by a newer version. */
  | 'format'
  /** A restore into it was cut short. */
  | 'unfinished'
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

/** Whatever else goes wrong with a folder, as `unreadable`. */
export function unreadableError(directory: string, cause: unknown): DataFolderError {
  if (cause instanceof DataFolderError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataFolderError(
    'unreadable',
    `data folder ${directory} cannot be used: ${reason}. Repair it, restore a backup, or choose another --data`,
    { directory, cause },
  );
}

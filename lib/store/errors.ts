export type StoreErrorCode =
  /** An expectation failed, proven by the store; `keys` names which. Nothing was written. */
  | 'conflict'
  /** The log no longer reaches back to the asked revision. */
  | 'compacted'
  /** A body is above OBJECT_SIZE_MAX_BYTES. Nothing was written. */
  | 'too-large'
  /** Nothing was written; the same call may work later (`retryAfterMs`). */
  | 'unavailable'
  /** It is not known whether the write was applied. */
  | 'unknown';

/** The only error a store throws for what a caller can meet; everything else is a defect. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** With `conflict`: the keys whose expectation failed. */
  readonly keys: readonly string[];
  readonly retryAfterMs: number | undefined;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: { keys?: readonly string[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'StoreError';
    this.code = code;
    this.keys = options.keys ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code);
}

/** The first batch; each that succeeds doubles the next. */
const BATCH_SIZE_INITIAL = 1;

/** Writes in one batch at most: more at once only queue up. */
const BATCH_SIZE_MAX = 500;

/** What became of a batched job: how many calls succeeded, and the first error, after whose batch no more were made. */
export interface BatchResult {
  readonly succeeded: number;
  readonly error?: unknown;
}

/**
 * Calls `action` for every index below `count`, in parallel batches of 1, 2, 4, …: what fails for one, as a quota that is used
 * up, would fail for all, so little is tried before the first success.
 */
export async function slowStart(count: number, action: (index: number) => Promise<void>): Promise<BatchResult> {
  let succeeded = 0;
  for (let start = 0, size = BATCH_SIZE_INITIAL; start < count; size = Math.min(size * 2, BATCH_SIZE_MAX)) {
    const indexes = Array.from({ length: Math.min(size, count - start) }, (_, offset) => start + offset);
    const results = await Promise.allSettled(indexes.map(action));
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) return { succeeded, error: failure.reason };
    start += indexes.length;
  }
  return { succeeded };
}

/** Runs all at once, waits for all, then throws the first error if there is one. */
export async function allOrFirstError(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

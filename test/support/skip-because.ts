import { beforeEach } from 'vitest';

/** Skips the tests of a file or block while `why` gives a reason, which is printed at the end of the run. */
export function skipBecause(why: () => string | undefined): void {
  beforeEach((context) => {
    const reason = why();
    if (reason === undefined) return;
    Object.assign(context.task.meta, { skipReason: reason });
    context.skip(reason);
  });
}

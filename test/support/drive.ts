import type { FakeClock } from '../../lib/clock/fake.js';
import { settle } from '../../lib/clock/fake.js';

/** Simulated time after which something that has not ended is taken to be stuck. */
const STUCK_MS = 24 * 3_600_000;
const IDLE_TURNS_MAX = 200;

/** Moves a fake clock from timer to timer until `work` is done. Nobody else may move it meanwhile. */
export async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const finished = work.finally(() => (isDone = true));
  finished.catch(() => undefined);
  const startMs = clock.now();
  let idleTurns = 0;
  for (;;) {
    await settle(1);
    if (isDone) return finished;
    const nextMs = clock.nextTimerMs;
    if (nextMs === undefined) {
      if (++idleTurns > IDLE_TURNS_MAX) throw new Error('stuck: nothing is left to happen');
      continue;
    }
    idleTurns = 0;
    if (nextMs - startMs > STUCK_MS) throw new Error('stuck: it goes on for ever');
    await clock.advance(Math.max(0, nextMs - clock.now()));
  }
}

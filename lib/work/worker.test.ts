import { describe, expect, it } from 'vitest';
import { FakeClock } from '../clock/fake.js';
import type { Controller, ControllerContext, Outcome } from './controller.js';
import { MemoryWorkQueue } from './memory-work-queue.js';
import { ATTEMPTS_MAX, BACKOFF_MAX_MS, BACKOFF_MIN_MS, createWorker } from './worker.js';
import type { BatchHandler, WorkMessage } from './work-queue.js';

function setUp(reconcile: (key: string, nowMs: number) => Promise<Outcome>) {
  const clock = new FakeClock(0);
  const times: number[] = [];
  const givenUp: WorkMessage[] = [];
  const controller: Controller = {
    name: 'c',
    watches: [],
    reconcile: (key) => {
      times.push(clock.now());
      return reconcile(key, clock.now());
    },
  };
  const queue = new MemoryWorkQueue({
    clock,
    concurrency: 1,
    handler: (messages) => handler(messages),
    onDeadLetter: (message) => givenUp.push(message),
  });
  const handler: BatchHandler = createWorker({
    controllers: [controller],
    context: () => ({ clock }) as unknown as ControllerContext,
    queue,
    onGiveUp: async (message) => {
      givenUp.push(message);
    },
  });
  const send = (key = 'k'): Promise<void> =>
    queue.send([{ controller: 'c', key, attempt: 0, deduplicationId: `${times.length}-${clock.now()}` }]);
  return { clock, times, givenUp, queue, send };
}

describe('the worker', () => {
  it('tries a failing key again with growing waits, and gives it up in the end', async () => {
    const { clock, times, givenUp, send } = setUp(() => Promise.reject(new Error('no')));
    await send();
    await clock.advance(3 * BACKOFF_MAX_MS);
    expect(times).toHaveLength(ATTEMPTS_MAX);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(waits[0]).toBe(BACKOFF_MIN_MS);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBe(Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** index));
    }
    expect(givenUp).toHaveLength(1);
  });

  it('begins anew when something changes', async () => {
    let fails = true;
    const { clock, times, send } = setUp(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve()));
    await send();
    await clock.advance(1000);
    fails = false;
    await send();
    await clock.advance(0);
    const after = times.length;
    await clock.advance(3_600_000);
    // The retry that was already waiting finds nothing to do.
    expect(times.length).toBeLessThanOrEqual(after + 1);
  });

  it('looks again when asked to, once however often it was asked', async () => {
    const { clock, times, send } = setUp(async (_key, nowMs) =>
      nowMs < 60_000 ? { requeueAfterMs: 60_000 - nowMs } : undefined,
    );
    await send('k');
    await clock.advance(10_000);
    await send('k');
    await clock.advance(3_600_000);
    expect(times).toEqual([0, 10_000, 60_000]);
  });

  it('chains waits that are longer than a queue can delay', async () => {
    const due = 2 * 3_600_000;
    const { clock, times, send, queue } = setUp(async (_key, nowMs) =>
      nowMs < due ? { requeueAfterMs: due - nowMs } : undefined,
    );
    await send();
    await clock.advance(due - 1);
    expect(times).toEqual([0]);
    await clock.advance(1);
    expect(times).toEqual([0, due]);
    expect(queue.delayedCount).toBe(0);
  });
});

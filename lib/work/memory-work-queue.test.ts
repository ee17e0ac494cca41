import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../clock/fake.js';
import { MemoryWorkQueue, RECEIVES_MAX, VISIBILITY_MS } from './memory-work-queue.js';
import { DEDUPLICATION_WINDOW_MS, DELAY_MAX_MS, type WorkMessage } from './work-queue.js';

function setUp(handle: (message: WorkMessage) => Promise<void> | void = () => undefined, concurrency = 4) {
  const clock = new FakeClock();
  const handled: string[] = [];
  const dead: WorkMessage[] = [];
  const queue = new MemoryWorkQueue({
    clock,
    concurrency,
    onDeadLetter: (message) => dead.push(message),
    handler: async (messages) => {
      for (const message of messages) {
        handled.push(`${message.controller}/${message.key}`);
        await handle(message);
      }
      return { failed: [] };
    },
  });
  return { clock, queue, handled, dead };
}

let sequence = 0;
const message = (key: string, more: Partial<WorkMessage> = {}): WorkMessage => ({
  controller: 'c',
  key,
  attempt: 0,
  deduplicationId: `id-${sequence++}`,
  ...more,
});

describe('the work queue', () => {
  it('never handles one key twice at once, and handles a key that changed meanwhile once more', async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const { queue, handled } = setUp(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => release.push(resolve));
      running--;
    });
    await queue.send([message('a')]);
    await queue.send([message('a'), message('a'), message('a')]);
    await settle();
    expect(handled).toEqual(['c/a']);
    release.shift()?.();
    await settle();
    expect(handled).toEqual(['c/a', 'c/a']);
    release.shift()?.();
    await settle();
    expect(handled).toHaveLength(2);
    expect(most).toBe(1);
    expect(queue.idle).toBe(true);
  });

  it('handles different keys side by side, up to its concurrency', async () => {
    let most = 0;
    let running = 0;
    const { queue, handled } = setUp(async () => {
      most = Math.max(most, ++running);
      await settle();
      running--;
    }, 2);
    await queue.send(['a', 'b', 'c', 'd'].map((key) => message(key)));
    for (let turn = 0; turn < 10; turn++) await settle();
    expect(handled.sort()).toEqual(['c/a', 'c/b', 'c/c', 'c/d']);
    expect(most).toBe(2);
  });

  it('drops a repeated deduplication id for five minutes, also after delivery', async () => {
    const { queue, handled, clock } = setUp();
    await queue.send([message('a', { deduplicationId: 'same' })]);
    await settle();
    await queue.send([message('a', { deduplicationId: 'same' })]);
    await clock.advance(DEDUPLICATION_WINDOW_MS - 1000);
    await queue.send([message('a', { deduplicationId: 'same' })]);
    await settle();
    expect(handled).toHaveLength(1);
    await clock.advance(2 * DEDUPLICATION_WINDOW_MS);
    await queue.send([message('a', { deduplicationId: 'same' })]);
    await settle();
    expect(handled).toHaveLength(2);
  });

  it('delays, and of several delays of one key keeps the earliest', async () => {
    const { queue, handled, clock } = setUp();
    await queue.sendDelayed(message('a'), 10_000);
    await queue.sendDelayed(message('a'), 2_000);
    await queue.sendDelayed(message('a'), 30_000);
    expect(queue.delayedCount).toBe(1);
    await clock.advance(1_999);
    expect(handled).toEqual([]);
    await clock.advance(1);
    expect(handled).toEqual(['c/a']);
    await clock.advance(60_000);
    expect(handled).toEqual(['c/a']);
    expect(() => queue.sendDelayed(message('a'), DELAY_MAX_MS + 1)).toThrow(RangeError);
  });

  it('keeps the earliest also of those that are due only after several delays', async () => {
    const { queue, handled, clock } = setUp();
    await queue.sendDelayed(message('a', { dueMs: clock.now() + 4 * DELAY_MAX_MS }), DELAY_MAX_MS);
    await clock.advance(1);
    await queue.sendDelayed(message('a', { dueMs: clock.now() + 2 * DELAY_MAX_MS, key: 'a' }), DELAY_MAX_MS);
    await clock.advance(DELAY_MAX_MS - 1);
    expect(handled).toEqual([]);
    await clock.advance(1);
    expect(handled).toEqual(['c/a']);
  });

  it('does not let a message that is not due yet stand for a fresh change', async () => {
    let release: () => void = () => undefined;
    const seen: (number | undefined)[] = [];
    const { queue } = setUp((one) => {
      seen.push(one.dueMs);
      return new Promise<void>((resolve) => (release = resolve));
    });
    await queue.send([message('a')]);
    await settle();
    await queue.send([message('a', { dueMs: Infinity })]);
    await queue.send([message('a')]);
    release();
    await settle();
    release();
    await settle();
    expect(seen).toEqual([undefined, undefined]);
  });

  it('delivers a failed message again after its visibility time-out, and then to the dead letters', async () => {
    const { queue, handled, dead, clock } = setUp(() => {
      throw new Error('no');
    });
    await queue.send([message('a')]);
    await clock.advance(VISIBILITY_MS * (RECEIVES_MAX + 1));
    expect(handled).toHaveLength(RECEIVES_MAX);
    expect(dead.map((one) => one.key)).toEqual(['a']);
    expect(queue.idle).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops cleanly: what is under way ends, nothing else begins, no timer is left', async () => {
    let release: () => void = () => undefined;
    const { queue, handled, clock } = setUp(() => new Promise<void>((resolve) => (release = resolve)));
    await queue.send([message('a'), message('b'), message('c'), message('d'), message('e')]);
    await queue.sendDelayed(message('f'), 1000);
    await settle();
    const closed = queue.close();
    const before = handled.length;
    for (let turn = 0; turn < 5; turn++) {
      release();
      await settle();
    }
    release();
    await Promise.race([closed, settle()]);
    expect(handled).toHaveLength(before);
    expect(clock.pendingTimers).toBe(0);
  });
});

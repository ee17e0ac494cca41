import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import { DEDUPLICATION_WINDOW_MS, DELAY_MAX_MS } from '../../lib/work/work-queue.js';
import type { BatchHandler, WorkMessage, WorkQueue } from '../../lib/work/work-queue.js';

/** A queue under test, on a fake clock. */
export interface QueueUnderTest {
  queue: WorkQueue;
  /** Messages that were given up, as `controller/key`. */
  dead: () => string[];
  close: () => Promise<void>;
}

export type MakeQueue = (parts: { clock: FakeClock; handler: BatchHandler }) => QueueUnderTest;

/** A message is seen again this much after it failed, at most. */
const REDELIVERY_MAX_MS = 150_000;
const RECEIVES = 5;

let sequence = 0;
const message = (key: string, more: Partial<WorkMessage> = {}): WorkMessage => ({
  controller: 'c',
  key,
  attempt: 0,
  deduplicationId: `position-${sequence++}:c:${key}`,
  ...more,
});

/** What every adapter of the port keeps. */
export function workQueueContract(name: string, make: MakeQueue): void {
  async function withQueue(
    handle: (message: WorkMessage) => Promise<void>,
    test: (parts: QueueUnderTest & { clock: FakeClock; handled: WorkMessage[] }) => Promise<void>,
  ): Promise<void> {
    const clock = new FakeClock();
    const handled: WorkMessage[] = [];
    const handler: BatchHandler = async (messages) => {
      const failed: WorkMessage[] = [];
      const handleOne = async (one: WorkMessage): Promise<void> => {
        handled.push(one);
        try {
          await handle(one);
        } catch {
          failed.push(one);
        }
      };
      await Promise.all(messages.map(handleOne));
      return { failed };
    };
    const made = make({ clock, handler });
    try {
      await test({ ...made, clock, handled });
    } finally {
      await made.close();
      expect(clock.pendingTimers).toBe(0);
    }
  }

  describe(`the work queue contract: ${name}`, () => {
    it('delivers what was sent, as it was sent', async () => {
      await withQueue(
        async () => undefined,
        async ({ queue, clock, handled }) => {
          const keys = Array.from({ length: 37 }, (_, index) => `namespace/${index}`);
          const odd = ['ns/ä ö/€', 'x'.repeat(500), 'system:nodes'];
          const sent = [...keys, ...odd].map((key) => message(key, { attempt: 3 }));
          await queue.send(sent);
          await clock.advance(1_000);
          const plain = ({ controller, key, attempt }: WorkMessage): string => `${controller} ${key} ${attempt}`;
          expect(handled.map(plain).sort()).toEqual(sent.map(plain).sort());
        },
      );
    });

    it('never hands out one key twice at once, and hands out a key that changed meanwhile once more', async () => {
      let running = 0;
      let most = 0;
      let release: () => void = () => undefined;
      await withQueue(
        async ({ key }) => {
          if (key !== 'a') return;
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => (release = resolve));
          running--;
        },
        async ({ queue, clock, handled }) => {
          await queue.send([message('a')]);
          await clock.advance(0);
          expect(handled).toHaveLength(1);
          await queue.send([message('a')]);
          await queue.send([message('b')]);
          await clock.advance(0);
          expect(handled.map(({ key }) => key)).toEqual(['a', 'b']);
          release();
          await clock.advance(0);
          expect(handled.map(({ key }) => key)).toEqual(['a', 'b', 'a']);
          release();
          await clock.advance(0);
          expect(most).toBe(1);
        },
      );
    });

    it('drops a repeated deduplication id for five minutes, also after delivery', async () => {
      await withQueue(
        async () => undefined,
        async ({ queue, clock, handled }) => {
          const same = message('a', { deduplicationId: 'same' });
          await queue.send([same]);
          await clock.advance(1_000);
          await queue.send([same]);
          await clock.advance(DEDUPLICATION_WINDOW_MS - 10_000);
          await queue.send([same]);
          await clock.advance(1_000);
          expect(handled).toHaveLength(1);
          await clock.advance(2 * DEDUPLICATION_WINDOW_MS);
          await queue.send([same]);
          await clock.advance(1_000);
          expect(handled).toHaveLength(2);
        },
      );
    });

    it('delays, and of several delays of one key delivers the earliest alone', async () => {
      await withQueue(
        async () => undefined,
        async ({ queue, clock, handled }) => {
          await queue.sendDelayed(message('a'), 10_000);
          await queue.sendDelayed(message('a'), 2_000);
          await queue.sendDelayed(message('a'), 30_000);
          await clock.advance(1_999);
          expect(handled).toEqual([]);
          await clock.advance(1_001);
          expect(handled).toHaveLength(1);
        },
      );
    });

    it('does not let a delay stand in the way of a change, nor a change of a delay', async () => {
      await withQueue(
        async () => undefined,
        async ({ queue, clock, handled }) => {
          await queue.sendDelayed(message('a'), 60_000);
          await queue.send([message('a')]);
          await clock.advance(1_000);
          expect(handled).toHaveLength(1);
          await clock.advance(60_000);
          expect(handled).toHaveLength(2);
        },
      );
    });

    it('refuses a delay that no queue has', async () => {
      await withQueue(
        async () => undefined,
        async ({ queue }) => {
          await expect((async () => queue.sendDelayed(message('a'), DELAY_MAX_MS + 1))()).rejects.toThrow(RangeError);
        },
      );
    });

    it('keys that ask for another look each time never have more than one look ahead of them', async () => {
      let looks = 0;
      const asked: { queue?: WorkQueue; clock?: FakeClock } = {};
      await withQueue(
        async ({ key }) => {
          looks++;
          const dueMs = (asked.clock as FakeClock).now() + 10_000;
          await asked.queue?.sendDelayed(message(key, { deduplicationId: `c/a@${dueMs}` }), 10_000);
        },
        async ({ queue, clock }) => {
          Object.assign(asked, { queue, clock });
          for (let change = 0; change < 9; change++) {
            await queue.send([message('a')]);
            await clock.advance(700);
          }
          const before = looks;
          await clock.advance(100_000);
          expect(looks - before).toBeGreaterThanOrEqual(8);
          expect(looks - before).toBeLessThanOrEqual(11);
        },
      );
    });

    it('delivers a failed message again, and gives it up in the end; its neighbours are done once', async () => {
      await withQueue(
        async ({ key }) => {
          if (key === 'bad') throw new Error('no');
        },
        async ({ queue, clock, handled, dead }) => {
          await queue.send([message('good'), message('bad'), message('fine')]);
          await clock.advance((RECEIVES + 1) * REDELIVERY_MAX_MS);
          const count = (key: string): number => handled.filter((one) => one.key === key).length;
          expect([count('good'), count('fine'), count('bad')]).toEqual([1, 1, RECEIVES]);
          expect(dead()).toEqual(['c/bad']);
        },
      );
    });
  });
}

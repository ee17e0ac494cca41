import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import type { Doorbell, DoorbellListener } from '../../lib/work/doorbell.js';

export interface DoorbellUnderTest {
  doorbell: Doorbell;
  listener: (node: string) => DoorbellListener;
  close?: () => void;
}

/** What every adapter of the port keeps. */
export function doorbellContract(name: string, make: (clock: FakeClock) => DoorbellUnderTest): void {
  interface Parts extends DoorbellUnderTest {
    clock: FakeClock;
    /** What a node has heard since it began to listen. */
    listen: (node: string) => { heard: (readonly string[] | 'any')[] };
  }

  async function withDoorbell(test: (parts: Parts) => Promise<void>): Promise<void> {
    const clock = new FakeClock();
    const made = make(clock);
    const stop = new AbortController();
    const listening: Promise<void>[] = [];
    const listen = (node: string): { heard: (readonly string[] | 'any')[] } => {
      const heard: (readonly string[] | 'any')[] = [];
      const listener = made.listener(node);
      const loop = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          const rung = await listener.wait(stop.signal);
          if (rung !== undefined) heard.push(rung);
        }
      };
      listening.push(loop());
      return { heard };
    };
    try {
      await test({ ...made, clock, listen });
    } finally {
      stop.abort();
      await Promise.all(listening);
      made.close?.();
      expect(clock.pendingTimers).toBe(0);
    }
  }

  describe(`the doorbell contract: ${name}`, () => {
    it('a node hears what changed, and nobody else does', async () => {
      await withDoorbell(async ({ doorbell, clock, listen }) => {
        await doorbell.add('node-1');
        await doorbell.add('node-2');
        const [one, two] = [listen('node-1'), listen('node-2')];
        await doorbell.ring('node-1', ['core/pods', 'core/nodes']);
        await clock.advance(100);
        expect(one.heard.map((rung) => (rung === 'any' ? rung : rung.toSorted()))).toEqual([
          ['core/nodes', 'core/pods'],
        ]);
        expect(two.heard).toEqual([]);
      });
    });

    it('a ring waits for a node that does not listen at the moment', async () => {
      await withDoorbell(async ({ doorbell, clock, listen }) => {
        await doorbell.add('node-1');
        await doorbell.ring('node-1', ['core/pods']);
        await clock.advance(30_000);
        const { heard } = listen('node-1');
        await clock.advance(100);
        expect(heard).toEqual([['core/pods']]);
      });
    });

    it('many rings become one a second, and the last is never swallowed', async () => {
      await withDoorbell(async ({ doorbell, clock, listen }) => {
        await doorbell.add('node-1');
        const { heard } = listen('node-1');
        for (let count = 0; count < 50; count++) {
          await doorbell.ring('node-1', count === 49 ? ['core/services'] : ['core/pods']);
          await clock.advance(60);
        }
        await clock.advance(2_000);
        expect(heard.length).toBeGreaterThanOrEqual(3);
        expect(heard.length).toBeLessThanOrEqual(5);
        expect(heard.at(-1)).toBe('any');
      });
    });

    it('adding again changes nothing; what is not there can be rung and removed', async () => {
      await withDoorbell(async ({ doorbell, clock, listen }) => {
        await doorbell.ring('node-1', ['core/pods']);
        await doorbell.remove('node-1');
        await doorbell.add('node-1');
        await doorbell.add('node-1');
        const { heard } = listen('node-1');
        await clock.advance(6_000);
        expect(heard).toEqual([]);
        await doorbell.ring('node-1', ['core/pods']);
        await clock.advance(1_500);
        expect(heard).toHaveLength(1);
      });
    });

    it('a node that was removed is no longer rung, one that comes back is', async () => {
      await withDoorbell(async ({ doorbell, clock, listen }) => {
        await doorbell.add('node-1');
        const { heard } = listen('node-1');
        await doorbell.remove('node-1');
        await doorbell.ring('node-1', ['core/pods']);
        await clock.advance(10_000);
        expect(heard).toEqual([]);
        await doorbell.add('node-1');
        await clock.advance(60_000);
        await doorbell.ring('node-1', ['core/pods']);
        await clock.advance(1_500);
        expect(heard.at(-1)).toEqual(['core/pods']);
      });
    });

    it('a listener stops at once', async () => {
      await withDoorbell(async ({ doorbell, clock, listener }) => {
        await doorbell.add('node-1');
        const stop = new AbortController();
        const waiting = listener('node-1').wait(stop.signal);
        await clock.advance(10);
        stop.abort();
        expect(await waiting).toBeUndefined();
      });
    });
  });
}

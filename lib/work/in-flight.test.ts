import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.js';

/** A step that ends when told to. */
function step(): { run: () => Promise<void>; end: () => void; isRunning: () => boolean } {
  let resolve: () => void = () => undefined;
  let running = false;
  const ended = new Promise<void>((done) => (resolve = done));
  return {
    run: async () => {
      running = true;
      await ended;
    },
    end: resolve,
    isRunning: () => running,
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('steps under way', () => {
  it('are at most so many, and a step that ends makes room', async () => {
    const work = new InFlight(2);
    const [first, second, third] = [step(), step(), step()];
    await work.start(first.run);
    let hasRoom = false;
    const started = work.start(second.run).then(() => (hasRoom = true));
    await turn();
    expect([first.isRunning(), second.isRunning(), hasRoom]).toEqual([true, true, false]);
    first.end();
    await started;
    void work.start(third.run);
    expect(third.isRunning()).toBe(true);
    second.end();
    third.end();
    await work.drain();
  });

  it('are all over when drained, also when there are none', async () => {
    const work = new InFlight(8);
    await work.drain();
    const steps = [step(), step(), step()];
    for (const one of steps) await work.start(one.run);
    let isDrained = false;
    const drained = work.drain().then(() => (isDrained = true));
    steps[0]?.end();
    steps[2]?.end();
    await turn();
    expect(isDrained).toBe(false);
    steps[1]?.end();
    await drained;
  });

  it('that fail are told to whoever waits', async () => {
    const work = new InFlight(2);
    await work.start(() => Promise.reject(new Error('no')));
    await expect(work.drain()).rejects.toThrow('no');
    await expect(work.start(() => Promise.resolve())).rejects.toThrow('no');
  });
});

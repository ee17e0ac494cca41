import { expect, it } from 'vitest';
import { FakeClock } from './clock/fake.js';
import { giveBackMemory } from './give-back-memory.js';

const MI = 1024 * 1024;

it('what a burst has left is collected once, when the burst is over', async () => {
  const clock = new FakeClock();
  let resident = 70 * MI;
  const collections: number[] = [];
  const stop = giveBackMemory(clock, {
    residentBytes: () => resident,
    collect() {
      collections.push(resident / MI);
      resident = 85 * MI;
    },
  });
  const next = async (megabytes: number): Promise<void> => {
    resident = megabytes * MI;
    await clock.advance(30_000);
  };
  await next(80);
  expect(collections).toEqual([]);
  await next(100);
  await next(120);
  expect(collections).toEqual([]);
  await next(121);
  expect(collections).toEqual([121]);
  // What is left is in use: a little more of it is no reason to look again.
  await next(98);
  await next(98);
  expect(collections).toEqual([121]);
  await next(103);
  await next(103);
  expect(collections).toEqual([121, 103]);
  stop();
  await next(500);
  await next(500);
  expect(collections).toHaveLength(2);
});

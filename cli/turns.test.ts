import { expect, test } from 'vitest';
import { takingTurns } from './turns.js';

test('timers and sockets get their turn while components keep each other busy', async () => {
  let handled = 0;
  const handle = takingTurns(async (request: number) => {
    handled++;
    return request * 2;
  });
  let seenAtTurn = 0;
  setImmediate(() => (seenAtTurn = handled));
  const chain = async (): Promise<void> => {
    for (let index = 0; index < 200; index++) expect(await handle(index)).toBe(index * 2);
  };
  await Promise.all([chain(), chain(), chain()]);
  expect(handled).toBe(600);
  expect(seenAtTurn).toBeGreaterThan(0);
  expect(seenAtTurn).toBeLessThanOrEqual(32);
});

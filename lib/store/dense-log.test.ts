import { expect, test } from 'vitest';
import { DenseLog } from './dense-log.js';

test('keeps values by revision while its front is dropped', () => {
  const log = new DenseLog<string>(2);
  for (let revision = 2; revision < 10_000; revision++) {
    log.push(`r${revision}`);
    log.dropBefore(revision - 100);
    expect(log.firstRevision).toBe(Math.max(2, revision - 100));
    expect(log.nextRevision).toBe(revision + 1);
  }
  expect(log.length).toBe(101);
  expect(log.get(9_898)).toBeUndefined();
  expect(log.get(9_899)).toBe('r9899');
  expect(log.get(10_000)).toBeUndefined();
  expect(log.slice(9_990, 3)).toEqual(['r9990', 'r9991', 'r9992']);
  expect(log.slice(9_998, 50)).toEqual(['r9998', 'r9999']);
  log.dropBefore(20_000);
  expect([log.length, log.firstRevision, log.nextRevision]).toEqual([0, 10_000, 10_000]);
  log.push('r10000');
  expect(log.get(10_000)).toBe('r10000');
});

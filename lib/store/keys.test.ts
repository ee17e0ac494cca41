import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys, sortKey } from './keys.js';

const key = fc.string({ unit: 'binary', maxLength: 6 });

test('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 5_000 },
  );
});

test('a prefix of a key is a prefix of its sort key', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(sortKey(a + b).startsWith(sortKey(a))).toBe(true);
    }),
  );
});

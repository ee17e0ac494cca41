import { expect, test } from 'vitest';
import { randomInt, seededRandom } from '../../random.js';
import { SortedMap } from './sorted-map.js';

/** Grows beyond several chunks and shrinks again, over keys of which many share prefixes. */
test.each([1, 2, 3, 4])('does what a sorted copy of a map does (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const map = new SortedMap<string>();
  const plain = new Map<string, string>();
  const randomKey = (): string => `ns-${randomInt(random, 4)}/pod-${randomInt(random, 2_000)}`;
  for (let step = 0; step < 12_000; step++) {
    const key = randomKey();
    const growing = step < 6_000 ? 2 : 6;
    if (randomInt(random, growing) < growing / 2 && step < 9_000) {
      map.set(key, `${key} ${step}`);
      plain.set(key, `${key} ${step}`);
    } else expect(map.delete(key)).toBe(plain.delete(key));
    if (step % 500 === 0 || plain.size < 3) compare(map, plain, randomKey());
  }
  for (const key of plain.keys()) {
    map.delete(key);
    plain.delete(key);
  }
  compare(map, plain, 'ns-1/pod-1');
});

function compare(map: SortedMap<string>, plain: Map<string, string>, after: string): void {
  expect(map.size).toBe(plain.size);
  const sorted = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const prefix of ['', 'ns-1/', 'ns-2/pod-1', 'none', 'zz'])
    for (const from of [undefined, after, 'ns-1/', 'zzz', '']) {
      const expected = sorted
        .filter(([key]) => key.startsWith(prefix) && (from === undefined || key > from))
        .map(([, value]) => value);
      expect([...map.range(prefix, from)]).toEqual(expected);
      expect(map.count(prefix, from)).toBe(expected.length);
    }
  expect(map.get(after)).toBe(plain.get(after));
}

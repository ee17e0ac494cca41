import { describe, expect, test } from 'vitest';
import { fnv32a, nameHash, semanticEqual } from './hash.js';
import { scaledValue } from './int-or-percent.js';
import { isEmptySelector, matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { isPodAvailable, nextAvailabilityMs } from './pods.js';
import { slowStart } from './slow-start.js';

describe('semantic equality', () => {
  test('ignores the order of keys and empty fields, and nothing else', () => {
    expect(semanticEqual({ a: 1, b: { c: [] } }, { b: {}, a: 1, d: null })).toBe(true);
    expect(semanticEqual({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(semanticEqual({ a: 0 }, {})).toBe(false);
    expect(semanticEqual({ a: false }, {})).toBe(false);
    expect(semanticEqual(undefined, {})).toBe(false);
  });

  test('equal values have one name, another with each collision', () => {
    const name = nameHash({ a: 1, b: 2 }, undefined);
    expect(nameHash({ b: 2, a: 1, c: {} }, undefined)).toBe(name);
    expect(nameHash({ a: 1, b: 2 }, 1)).not.toBe(name);
    expect(name).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  });

  test('FNV-1a of known texts', () => {
    expect(fnv32a('')).toBe(0x811c9dc5);
    expect(fnv32a('foobar')).toBe(0xbf9cf968);
  });
});

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front' };
  test.each([
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'db' } }, false],
    [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
    [{}, true],
    [undefined, false],
  ])('%j', (selector, expected) => expect(matchesLabelSelector(selector, labels)).toBe(expected));

  test('one with neither labels nor expressions is empty', () => {
    expect(isEmptySelector({ matchLabels: {} })).toBe(true);
    expect(isEmptySelector({ matchExpressions: [{ key: 'a', operator: 'Exists' }] })).toBe(false);
  });
});

test('percentages are rounded as asked for', () => {
  expect(scaledValue('25%', 10, 'up')).toBe(3);
  expect(scaledValue('25%', 10, 'down')).toBe(2);
  expect(scaledValue('100%', 7, 'down')).toBe(7);
  expect(scaledValue(4, 100, 'up')).toBe(4);
  expect(() => scaledValue('many', 10, 'up')).toThrow('not a percentage');
});

describe('slow start', () => {
  test('doubles its batches and stops after the first that fails', async () => {
    let running = 0;
    const sizes: number[] = [];
    const result = await slowStart(100, async (index) => {
      running++;
      await Promise.resolve();
      if (running > 0) sizes.push(running);
      running = 0;
      if (index === 20) throw new Error('full');
    });
    expect(sizes).toEqual([1, 2, 4, 8, 16]);
    expect(result).toMatchObject({ succeeded: 30, error: new Error('full') });
  });

  test('does everything when nothing fails', async () => {
    const seen: number[] = [];
    expect(await slowStart(7, (index) => Promise.resolve(void seen.push(index)))).toEqual({ succeeded: 7 });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

test('availability needs minReadySeconds of being ready', () => {
  const pod = {
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  };
  const atMs = Date.parse('2026-01-01T00:00:20Z');
  expect(isPodAvailable(pod, 0, atMs)).toBe(true);
  expect(isPodAvailable(pod, 20, atMs)).toBe(true);
  expect(isPodAvailable(pod, 21, atMs)).toBe(false);
  expect(nextAvailabilityMs([pod], 30, atMs)).toBe(10_000);
  expect(nextAvailabilityMs([pod], 10, atMs)).toBeUndefined();
});

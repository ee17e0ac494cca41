import { expect, it } from 'vitest';
import { CpuRates } from './cpu-rates.js';

const at = (timeMs: number, nanoSeconds: number) => new Map([['a', { timeMs, nanoSeconds }]]);

it('a rate is what was used since the reading before, over a time that tells', () => {
  const rates = new CpuRates();
  expect(rates.update(at(0, 5e9)).get('a')).toBeUndefined();
  // A tenth of a second is too little to tell.
  expect(rates.update(at(100, 6e9)).get('a')).toBeUndefined();
  expect(rates.update(at(1_000, 5.25e9)).get('a')).toEqual({ nanoCores: 0.25e9, windowMs: 1_000 });
  expect(rates.update(at(1_200, 9e9)).get('a')).toEqual({ nanoCores: 0.25e9, windowMs: 1_000 });
  expect(rates.update(at(21_000, 45.25e9)).get('a')).toEqual({ nanoCores: 2e9, windowMs: 20_000 });
});

it('readings that are old, of another counter, or that go back begin anew', () => {
  const rates = new CpuRates();
  rates.update(at(0, 0));
  expect(rates.update(at(61_000, 1e9)).size).toBe(0);
  expect(rates.update(at(62_000, 0.5e9)).size).toBe(0);
  expect(rates.update(at(63_000, 1.5e9)).get('a')?.nanoCores).toBe(1e9);
  rates.update(new Map());
  expect(rates.update(at(64_000, 2.5e9)).size).toBe(0);
});

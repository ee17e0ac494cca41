import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantityMilliValue, quantityToNumber, quantityValue } from './quantity-number.js';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  QuantityError,
  quantityToString,
  scaledQuantity,
  subtractQuantities,
} from './quantity.js';

describe('quantities', () => {
  it.each([
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1025Mi', '1025Mi'],
    ['1.5Gi', '1536Mi'],
    ['1500m', '1500m'],
    ['1000m', '1'],
    ['1.500', '1.500'],
    ['0Gi', '0'],
    ['1e3', '1e3'],
    ['1000e3', '1e6'],
    ['512', '512'],
    ['2000', '2k'],
    ['0.1n', '1n'],
    ['0.0001Ki', '102400u'],
    ['-1.5', '-1500m'],
    ['9Ei', '9223372036854775807'],
    ['1E', '1E'],
    ['+', '0'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each(['', 'x', '1.2.3', '1 Gi', '1m5x'])('refuses %j', (text) => {
    expect(() => parseQuantity(text)).toThrow(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  });

  it('refuses suffixes that are none', () => {
    expect(() => parseQuantity('--1')).toThrow("unable to parse quantity's suffix");
    expect(() => parseQuantity('1Kii')).toThrow("unable to parse quantity's suffix");
    expect(() => parseQuantity('Ei')).toThrow('unable to parse numeric part of quantity');
    expect(() => parseQuantity('1e999999999')).toThrow(QuantityError);
  });

  it('calculates exactly', () => {
    const q = parseQuantity;
    expect(quantityToString(addQuantities(q('100m'), q('0.9')))).toBe('1');
    expect(quantityToString(addQuantities(q('1Gi'), q('1Mi')))).toBe('1025Mi');
    expect(quantityToString(subtractQuantities(q('1'), q('1500m')))).toBe('-500m');
    expect(quantityToString(addQuantities(q('0'), q('1Gi')))).toBe('1Gi');
    expect(compareQuantities(q('1Gi'), q('1073741824'))).toBe(0);
    expect(compareQuantities(q('1000m'), q('999m'))).toBe(1);
    expect(scaledQuantity(q('1500m'), 0)).toBe(2n);
    expect(scaledQuantity(q('8Ei'), 0)).toBe(2n ** 63n - 1n);
  });

  it('gives numbers to the scheduler', () => {
    expect(quantityMilliValue('1.5')).toBe(1500);
    expect(quantityMilliValue('250m')).toBe(250);
    expect(quantityMilliValue(2)).toBe(2000);
    expect(quantityValue('1500m')).toBe(2);
    expect(quantityValue('256Gi')).toBe(256 * 2 ** 30);
    expect(quantityToNumber('500m')).toBe(0.5);
  });

  it('agrees between its quick and its exact ways, and reads what it writes', () => {
    const text = fc
      .tuple(
        fc.nat(10 ** 9),
        fc.option(fc.nat(9999)),
        fc.constantFrom('', 'm', 'k', 'Ki', 'Mi', 'G', 'n', 'e2', 'E-3', 'T'),
      )
      .map(([whole, fraction, suffix]) => `${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`);
    fc.assert(
      fc.property(text, text, (left, right) => {
        const [a, b] = [parseQuantity(left), parseQuantity(right)];
        expect(quantityValue(left)).toBeCloseTo(Number(scaledQuantity(a, 0)), -5);
        expect(compareQuantities(parseQuantity(quantityToString(a)), a)).toBe(0);
        expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
        expect(compareQuantities(a, b)).toBe(0 - compareQuantities(b, a));
      }),
    );
    fc.assert(
      fc.property(fc.string(), (any) => {
        try {
          parseQuantity(any);
        } catch (error) {
          expect(error).toBeInstanceOf(QuantityError);
        }
      }),
    );
  });
});

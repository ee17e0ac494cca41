import {
  addQuantities,
  compareQuantities as compareParsed,
  parseQuantity,
  quantityToString,
  scaledQuantity,
} from '../../../../lib/api/quantity.js';

/** Arithmetic on quantities in their text form. The schema has refused what is none. */

const NANO_SCALE = -9;

/** Negative, zero or positive, as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: string, b: string): number {
  return a === b ? 0 : compareParsed(parseQuantity(a), parseQuantity(b));
}

export function sumOfQuantities(a: string | undefined, b: string): string {
  return a === undefined ? b : quantityToString(addQuantities(parseQuantity(a), parseQuantity(b)));
}

export function largerQuantity(a: string | undefined, b: string): string {
  return a === undefined || compareQuantities(a, b) < 0 ? b : a;
}

/** True for a whole number of units. */
export function isWhole(quantity: string, unit = '1'): boolean {
  return scaledQuantity(parseQuantity(quantity), NANO_SCALE) % scaledQuantity(parseQuantity(unit), NANO_SCALE) === 0n;
}

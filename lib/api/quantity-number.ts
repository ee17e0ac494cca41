import { parseQuantity, scaledQuantity } from './quantity.js';

const COMMON = /^([0-9]{1,9})(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const FACTORS: Record<string, number> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
/** So many distinct texts are remembered; clusters write few. */
const REMEMBERED_MAX = 4_096;

const values = new Map<string, number>();
const milliValues = new Map<string, number>();

/**
 * Whole units, rounded away from zero: bytes of memory, counts of devices. Exact up to 2^53, then the nearest double.
 * Throws `QuantityError`.
 */
export function quantityValue(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity >= 0 ? Math.ceil(quantity) : Math.floor(quantity);
  return remember(values, quantity, 0);
}

/** Thousandths, rounded away from zero: milli-CPUs. Exact up to 2^53, then the nearest double. Throws `QuantityError`. */
export function quantityMilliValue(quantity: string | number): number {
  return remember(milliValues, String(quantity), -3);
}

/** The amount as the nearest double: `500m` is 0.5. Throws `QuantityError`. */
export function quantityToNumber(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity;
  const { mantissa, scale } = parseQuantity(quantity);
  return Number(`${mantissa}e${scale}`);
}

function remember(known: Map<string, number>, text: string, scale: 0 | -3): number {
  const found = known.get(text);
  if (found !== undefined) return found;
  const value = compute(text, scale);
  if (known.size >= REMEMBERED_MAX) known.clear();
  known.set(text, value);
  return value;
}

function compute(text: string, scale: 0 | -3): number {
  const match = COMMON.exec(text);
  if (match === null) return Number(scaledQuantity(parseQuantity(text), scale));
  const number = Number(match[1]);
  const suffix = match[2];
  if (suffix === 'm') return scale === 0 ? Math.ceil(number / 1_000) : number;
  const units = suffix === undefined ? number : number * (FACTORS[suffix] as number);
  return scale === 0 ? units : units * 1_000;
}

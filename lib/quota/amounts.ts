import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  quantityToString,
  subtractQuantities,
  ZERO_QUANTITY,
  type Quantity,
} from '../api/quantity.js';

/** Amounts by the names that quotas use: `requests.cpu`, `count/jobs.batch`. Exact. */
export type Amounts = ReadonlyMap<string, Quantity>;

export const ONE: Quantity = parseQuantity('1');

export function wholeAmount(count: number): Quantity {
  return { mantissa: BigInt(count), scale: 0, format: 'DecimalSI' };
}

/** A resource list as it stands in an object. Throws `QuantityError`. */
export function readAmounts(list: Readonly<Record<string, string | number>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(String(text))]));
}

/** The inverse of `readAmounts`, in the order of names. */
export function writeAmounts(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].toSorted(byName).map(([name, amount]) => [name, quantityToString(amount)]));
}

/** `cpu=1,pods=2`: how errors show them. */
export function showAmounts(amounts: Amounts): string {
  return [...amounts]
    .toSorted(byName)
    .map(([name, amount]) => `${name}=${quantityToString(amount)}`)
    .join(',');
}

export function addInto(total: Map<string, Quantity>, amounts: Amounts): void {
  for (const [name, amount] of amounts) {
    const present = total.get(name);
    total.set(name, present === undefined ? amount : addQuantities(present, amount));
  }
}

/** `left - right` for every name of either. */
export function difference(left: Amounts, right: Amounts): Map<string, Quantity> {
  const result = new Map(left);
  for (const [name, amount] of right) result.set(name, subtractQuantities(result.get(name) ?? ZERO_QUANTITY, amount));
  return result;
}

/** Only those that pass. */
export function filterAmounts(
  amounts: Amounts,
  keep: (name: string, amount: Quantity) => boolean,
): Map<string, Quantity> {
  return new Map([...amounts].filter(([name, amount]) => keep(name, amount)));
}

export function negated(amounts: Amounts): Map<string, Quantity> {
  return new Map(
    [...amounts].map(([name, { mantissa, scale, format }]) => [name, { mantissa: -mantissa, scale, format }]),
  );
}

export function isPositive(amount: Quantity): boolean {
  return amount.mantissa > 0n;
}

export function isNegative(amount: Quantity): boolean {
  return amount.mantissa < 0n;
}

/** Raises each amount of `total` to at least that of `least`. */
export function raiseTo(total: Map<string, Quantity>, least: Amounts): void {
  for (const [name, amount] of least) {
    const present = total.get(name);
    if (present === undefined || compareQuantities(present, amount) < 0) total.set(name, amount);
  }
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

import { CelError, NO_OVERLOAD } from './errors.js';
import { type CelMeter, COST_PER_CHARACTER } from './meter.js';
import { textLength } from './text.js';
import type { CelType } from './types.js';
import { CelList, CelMap, type CelValue } from './values.js';

export type CelResult = CelValue | CelError;

/** One form of a function: `params` includes the receiver of a member function. */
export interface Overload {
  readonly name: string;
  readonly member: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** What a call costs besides its arguments; 1 unless given. */
  readonly cost?: (args: readonly CelValue[], result: CelResult) => number;
  readonly apply: (args: readonly CelValue[], meter: CelMeter) => CelResult;
}

type Cost = Overload['cost'];

export function fn(
  name: string,
  params: readonly CelType[],
  result: CelType,
  apply: Overload['apply'],
  cost?: Cost,
): Overload {
  return { name, member: false, params, result, apply, ...(cost === undefined ? {} : { cost }) };
}

export function method(
  name: string,
  params: readonly CelType[],
  result: CelType,
  apply: Overload['apply'],
  cost?: Cost,
): Overload {
  return { ...fn(name, params, result, apply, cost), member: true };
}

/** A value's size as costs count it: characters, bytes, elements; 1 for what has no size. */
export function sizeOf(value: CelResult | undefined): number {
  if (typeof value === 'string') return textLength(value);
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  return 1;
}

/** The cost of going over the first argument's characters or elements `times` times. */
export function traversal(times = 1): (args: readonly CelValue[]) => number {
  return ([first]) => Math.ceil(sizeOf(first) * COST_PER_CHARACTER * times);
}

export const asText = (value: CelValue | undefined): string => (typeof value === 'string' ? value : '');
export const asInt = (value: CelValue | undefined): bigint => (typeof value === 'bigint' ? value : 0n);
export const asList = (value: CelValue | undefined): CelList | undefined =>
  value instanceof CelList ? value : undefined;

/** Over texts: `apply` gets the arguments as strings. */
export function overTexts(apply: (...texts: string[]) => CelResult): Overload['apply'] {
  return (args) => apply(...args.map(asText));
}

/** Over one value of a class; no such overload for others. */
export function over<T>(
  type: abstract new (...args: never[]) => T,
  apply: (value: T, rest: readonly CelValue[], meter: CelMeter) => CelResult,
): Overload['apply'] {
  return ([first, ...rest], meter) => (first instanceof type ? apply(first, rest, meter) : NO_OVERLOAD);
}

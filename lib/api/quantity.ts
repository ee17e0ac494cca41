/**
 * Amounts of resources: `100m`, `1.5Gi`, `12e6`. Exact (a BigInt mantissa and a power of ten), with the rounding, the canonical
 * form and the error words of apimachinery's resource.Quantity.
 */
export interface Quantity {
  /** The amount is `mantissa * 10^scale`. */
  readonly mantissa: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
  /** The text it was read from, where Kubernetes keeps that as it is. */
  readonly text?: string;
}

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** The text is not a quantity; `message` is Kubernetes'. */
export class QuantityError extends Error {
  readonly code = 'InvalidQuantity';

  constructor(message: string) {
    super(message);
    this.name = 'QuantityError';
  }
}

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG = "unable to parse quantity's suffix";

const NUMBER_WRONG = 'unable to parse numeric part of quantity';

const SHAPE = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const DECIMAL_EXPONENTS: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY_EXPONENTS: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL_SUFFIXES = new Map(Object.entries(DECIMAL_EXPONENTS).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIXES = ['', ...Object.keys(BINARY_EXPONENTS)];

/** The smallest scale: amounts are rounded up to billionths. */
const SCALE_MIN = -9;
const EXPONENT_MAX = 400;
const LENGTH_MAX = 400;
/** Texts of so many digits take the path on which Kubernetes may keep the text. */
const FAST_DIGITS_MAX = 18;
const INT64_MAX = 2n ** 63n - 1n;

/** Throws `QuantityError`. */
export function parseQuantity(text: string): Quantity {
  const match = text.length > LENGTH_MAX || text === '' ? null : SHAPE.exec(text);
  if (match === null) throw new QuantityError(FORMAT_WRONG);
  const [, sign = '', integer = '', fraction = '', suffix = ''] = match;
  const { exponent, format } = parseSuffix(suffix);
  const number = integer === '' ? '0' : integer;
  const amount = BigInt(number + fraction);
  const kept = keptScale(number, fraction, exponent, format);
  if (kept !== undefined) {
    const mantissa = format === 'BinarySI' ? amount << BigInt(exponent) : amount;
    if (mantissa <= INT64_MAX) {
      const signed = sign === '-' ? -mantissa : mantissa;
      const keepsText = isWritten(number + fraction, amount, kept, format);
      return keepsText || text === '0'
        ? { mantissa: signed, scale: kept, format, text }
        : { mantissa: signed, scale: kept, format };
    }
  }
  if (!/[0-9]/.test(text.slice(0, text.length - suffix.length))) throw new QuantityError(NUMBER_WRONG);
  return roundedQuantity(sign === '-', amount, fraction.length, exponent, format);
}

function parseSuffix(suffix: string): { exponent: number; format: QuantityFormat } {
  const decimal = DECIMAL_EXPONENTS[suffix];
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = BINARY_EXPONENTS[suffix];
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' };
  if (!/^[eE][-+]?[0-9]+$/.test(suffix)) throw new QuantityError(SUFFIX_WRONG);
  const exponent = Number(suffix.slice(1));
  if (Math.abs(exponent) > EXPONENT_MAX) throw new QuantityError(SUFFIX_WRONG);
  return { exponent, format: 'DecimalExponent' };
}

/** The scale of an amount that fits 64 bits without rounding; undefined for the others. */
function keptScale(number: string, fraction: string, exponent: number, format: QuantityFormat): number | undefined {
  if (format === 'BinarySI') {
    if (fraction !== '') return undefined;
    return 15 - number.length - Math.trunc((exponent * 3) / 10) - 1 >= 0 ? 0 : undefined;
  }
  if (number.length + fraction.length > FAST_DIGITS_MAX) return undefined;
  const scale = exponent - fraction.length;
  return scale >= SCALE_MIN ? scale : undefined;
}

/** Kubernetes keeps a text that its quick look takes for canonical already: `1025Mi`, `1500m`, but not `1024Mi` or `0.5`. */
function isWritten(digits: string, amount: bigint, scale: number, format: QuantityFormat): boolean {
  if (format === 'BinarySI') return (amount & 7n) !== 0n;
  return scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0';
}

function roundedQuantity(
  negative: boolean,
  amount: bigint,
  fractionDigits: number,
  exponent: number,
  format: QuantityFormat,
): Quantity {
  let mantissa = amount;
  let scale = -fractionDigits;
  let shown = format;
  if (format === 'BinarySI') mantissa <<= BigInt(exponent);
  else scale += exponent;
  if (scale < SCALE_MIN) {
    mantissa = divideUp(mantissa, 10n ** BigInt(SCALE_MIN - scale));
    scale = SCALE_MIN;
  }
  if (format === 'BinarySI') {
    const one = 10n ** BigInt(-scale);
    if (mantissa > INT64_MAX * one) [mantissa, scale] = [INT64_MAX, 0];
    else if (mantissa < one && mantissa > 0n) shown = 'DecimalSI';
  }
  return { mantissa: negative ? -mantissa : mantissa, scale, format: shown };
}

/** Division that rounds away from zero. `divisor` is positive. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value > 0n ? quotient + 1n : quotient - 1n;
}

/** The text Kubernetes serialises: `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function quantityToString(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text;
  if (quantity.mantissa === 0n) return '0';
  if (quantity.format === 'BinarySI') {
    const exact = exactInteger(quantity);
    if (exact !== undefined && (exact <= -1024n || exact >= 1024n)) return binaryText(exact);
  }
  return decimalText(quantity);
}

function exactInteger({ mantissa, scale }: Quantity): bigint | undefined {
  if (scale >= 0) return mantissa * 10n ** BigInt(scale);
  const one = 10n ** BigInt(-scale);
  return mantissa % one === 0n ? mantissa / one : undefined;
}

function binaryText(value: bigint): string {
  let mantissa = value;
  let power = 0;
  while (mantissa % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
    mantissa /= 1024n;
    power++;
  }
  return `${mantissa}${BINARY_SUFFIXES[power]}`;
}

function decimalText({ mantissa: given, scale, format }: Quantity): string {
  let mantissa = given;
  let exponent = scale;
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent++;
  }
  while (exponent % 3 !== 0) {
    mantissa *= 10n;
    exponent--;
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  return `${mantissa}${DECIMAL_SUFFIXES.get(exponent) ?? ''}`;
}

/** The canonical text of a quantity as JSON has it (a string or a number). Throws `QuantityError`. */
export function canonicalQuantity(value: string | number | bigint): string {
  return quantityToString(parseQuantity(typeof value === 'string' ? value.trim() : String(value)));
}

/** Negative, zero or positive, as `left` is less than, equal to or more than `right`. */
export function compareQuantities(left: Quantity, right: Quantity): number {
  const [first, second] = align(left, right);
  return first < second ? -1 : first > second ? 1 : 0;
}

function align(left: Quantity, right: Quantity): [bigint, bigint, number] {
  if (left.scale === right.scale) return [left.mantissa, right.mantissa, left.scale];
  return left.scale > right.scale
    ? [left.mantissa * 10n ** BigInt(left.scale - right.scale), right.mantissa, right.scale]
    : [left.mantissa, right.mantissa * 10n ** BigInt(right.scale - left.scale), left.scale];
}

/** The sum, in the format of `left` unless that is zero. */
export function addQuantities(left: Quantity, right: Quantity): Quantity {
  const [first, second, scale] = align(left, right);
  return { mantissa: first + second, scale, format: left.mantissa === 0n ? right.format : left.format };
}

/** The difference, in the format of `left` unless that is zero. */
export function subtractQuantities(left: Quantity, right: Quantity): Quantity {
  return addQuantities(left, { ...right, mantissa: -right.mantissa });
}

/** The amount in units of `10^scale`, rounded away from zero: scale 0 for whole units, -3 for thousandths. */
export function scaledQuantity({ mantissa, scale }: Quantity, target: number): bigint {
  return scale >= target ? mantissa * 10n ** BigInt(scale - target) : divideUp(mantissa, 10n ** BigInt(target - scale));
}

export const ZERO_QUANTITY: Quantity = { mantissa: 0n, scale: 0, format: 'DecimalSI' };

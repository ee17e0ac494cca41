import { CelError } from '../errors.js';
import { asText, type CelResult, fn, method, type Overload, over, traversal } from '../overload.js';
import { BOOL, INT, opaqueType, STRING } from '../types.js';
import { CelOpaque, type CelValue } from '../values.js';

const SEMVER = opaqueType('kubernetes.Semver');
const SHAPE =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const LENGTH_MAX = 1_000;

class CelSemver extends CelOpaque {
  readonly typeName = SEMVER.name;
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly before: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], before: readonly string[]) {
    super();
    this.numbers = numbers;
    this.before = before;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelSemver && compare(this, other) === 0;
  }
}

function parse(text: string, normalize: boolean): CelSemver | CelError {
  const found = text.length > LENGTH_MAX ? null : SHAPE.exec(normalize ? normalized(text) : text);
  if (found === null) return new CelError(`Invalid character(s) found in version ${JSON.stringify(text)}`);
  const [, major = '0', minor = '0', patch = '0', before] = found;
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], before?.split('.') ?? []);
}

/** Drops a leading v, adds what is missing of three numbers, drops their leading zeros. */
function normalized(text: string): string {
  const plain = text.replace(/^v/, '');
  const [numbers = '', ...rest] = plain.split(/(?=[-+])/);
  const parts = numbers.split('.');
  if (parts.length > 3) return plain;
  while (parts.length < 3) parts.push('0');
  return parts.map((part) => part.replace(/^0+(?=\d)/, '')).join('.') + rest.join('');
}

function compare(left: CelSemver, right: CelSemver): number {
  for (const [index, number] of left.numbers.entries()) {
    const other = right.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (left.before.length === 0 || right.before.length === 0)
    return Math.sign(right.before.length) - Math.sign(left.before.length);
  for (let index = 0; index < Math.max(left.before.length, right.before.length); index++) {
    const [one, other] = [left.before[index], right.before[index]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    if (one === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return BigInt(one) < BigInt(other) ? -1 : 1;
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return 0;
}

const read = ([text, normalize]: readonly CelValue[]): CelResult => parse(asText(text), normalize === true);

function pair(apply: (order: number) => CelResult): Overload['apply'] {
  return over(CelSemver, (left, [right]) => apply(right instanceof CelSemver ? compare(left, right) : 0));
}

export const SEMVERS: readonly Overload[] = [
  ...[[STRING], [STRING, BOOL]].flatMap((params) => [
    fn('semver', params, SEMVER, read, traversal()),
    fn('isSemver', params, BOOL, (args) => !(read(args) instanceof CelError), traversal()),
  ]),
  method(
    'isGreaterThan',
    [SEMVER, SEMVER],
    BOOL,
    pair((order) => order > 0),
  ),
  method(
    'isLessThan',
    [SEMVER, SEMVER],
    BOOL,
    pair((order) => order < 0),
  ),
  method(
    'compareTo',
    [SEMVER, SEMVER],
    INT,
    pair((order) => BigInt(order)),
  ),
  ...(['major', 'minor', 'patch'] as const).map((name, index) =>
    method(
      name,
      [SEMVER],
      INT,
      over(CelSemver, ({ numbers }) => numbers[index] ?? 0n),
    ),
  ),
];

import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantities,
} from '../../api/quantity.js';
import { CelError } from '../errors.js';
import { asInt, type CelResult, fn, method, type Overload, over, overTexts, traversal } from '../overload.js';
import { BOOL, DOUBLE, INT, opaqueType, STRING } from '../types.js';
import { CelOpaque, type CelValue } from '../values.js';

const QUANTITY = opaqueType('kubernetes.Quantity');
const INT64_MAX = (1n << 63n) - 1n;

class CelQuantity extends CelOpaque {
  readonly typeName = QUANTITY.name;
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelQuantity && compareQuantities(this.quantity, other.quantity) === 0;
  }
}

function toQuantity(text: string): CelResult {
  try {
    return new CelQuantity(parseQuantity(text));
  } catch (error) {
    if (error instanceof QuantityError) return new CelError(error.message);
    throw error;
  }
}

function whole({ mantissa, scale }: Quantity): bigint | undefined {
  if (scale >= 0) {
    const value = mantissa * 10n ** BigInt(scale);
    return value > INT64_MAX || value < -INT64_MAX ? undefined : value;
  }
  const unit = 10n ** BigInt(-scale);
  return mantissa % unit === 0n ? mantissa / unit : undefined;
}

type Pair = (left: Quantity, right: Quantity) => CelResult;

function pair(apply: Pair): Overload['apply'] {
  return over(CelQuantity, ({ quantity }, [other]) => {
    if (other instanceof CelQuantity) return apply(quantity, other.quantity);
    return apply(quantity, { mantissa: asInt(other), scale: 0, format: 'DecimalSI' });
  });
}

export const QUANTITIES: readonly Overload[] = [
  fn('quantity', [STRING], QUANTITY, overTexts(toQuantity), traversal()),
  fn(
    'isQuantity',
    [STRING],
    BOOL,
    overTexts((text) => !(toQuantity(text) instanceof CelError)),
    traversal(),
  ),
  ...[fn, method].map((make) =>
    make(
      'sign',
      [QUANTITY],
      INT,
      over(CelQuantity, ({ quantity: { mantissa } }) => (mantissa > 0n ? 1n : mantissa < 0n ? -1n : 0n)),
    ),
  ),
  method(
    'isGreaterThan',
    [QUANTITY, QUANTITY],
    BOOL,
    pair((left, right) => compareQuantities(left, right) > 0),
  ),
  method(
    'isLessThan',
    [QUANTITY, QUANTITY],
    BOOL,
    pair((left, right) => compareQuantities(left, right) < 0),
  ),
  method(
    'compareTo',
    [QUANTITY, QUANTITY],
    INT,
    pair((left, right) => BigInt(compareQuantities(left, right))),
  ),
  method(
    'asApproximateFloat',
    [QUANTITY],
    DOUBLE,
    over(CelQuantity, ({ quantity: { mantissa, scale } }) => Number(`${mantissa}e${scale}`)),
  ),
  method(
    'asInteger',
    [QUANTITY],
    INT,
    over(
      CelQuantity,
      ({ quantity }): CelValue | CelError => whole(quantity) ?? new CelError('cannot convert value to integer'),
    ),
  ),
  method(
    'isInteger',
    [QUANTITY],
    BOOL,
    over(CelQuantity, ({ quantity }) => whole(quantity) !== undefined),
  ),
  ...[QUANTITY, INT].flatMap((other) => [
    method(
      'add',
      [QUANTITY, other],
      QUANTITY,
      pair((left, right) => new CelQuantity(addQuantities(left, right))),
    ),
    method(
      'sub',
      [QUANTITY, other],
      QUANTITY,
      pair((left, right) => new CelQuantity(subtractQuantities(left, right))),
    ),
  ]),
];

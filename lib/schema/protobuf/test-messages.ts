import fc, { type GeneratorValue } from 'fast-check';
import type { ElementType, FieldType, MessageType } from './message-types.js';
import { SPECIAL_TYPES, type SpecialType } from './special-types.js';

type JsonObject = Record<string, unknown>;

const ANY_JSON: readonly unknown[] = [{ a: [1, 2.5, 'c', null, true] }, {}, { n: 9007199254740993n }];
const SCHEMA = { type: 'string' };

/** By the last part of the definition's name; types that share a codec share its first name here. */
const SPECIAL_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  Quantity: ['0', '100m', '2Gi', '-1.5'],
  IntOrString: [0, 8080, -1, '', 'http', '50%'],
  Time: [
    '1970-01-01T00:00:00Z',
    '2026-01-02T03:04:05Z',
    '1969-12-31T23:59:59Z',
    '0001-01-02T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ],
  MicroTime: ['1970-01-01T00:00:00.000000Z', '2026-01-02T03:04:05.000007Z', '1969-12-31T23:59:59.999999Z'],
  FieldsV1: ANY_JSON,
  RawExtension: ANY_JSON,
  JSONSchemaPropsOrArray: [SCHEMA, [SCHEMA, { not: SCHEMA }]],
  JSONSchemaPropsOrBool: [true, false, SCHEMA],
  JSONSchemaPropsOrStringArray: [SCHEMA, ['one', 'two']],
};

function valuesOf(special: SpecialType): readonly unknown[] {
  const name = Object.keys(SPECIAL_TYPES).find((one) => SPECIAL_TYPES[one] === special) ?? '';
  const values = SPECIAL_VALUES[name.slice(name.lastIndexOf('.') + 1)];
  if (values === undefined) throw new Error(`there are no test values for ${name}`);
  return values;
}

const DEPTH_MAX = 7;

/** An object exactly as reading gives it: nothing empty where Go's JSON drops it, null where Go's JSON has it. */
export function randomMessage(type: MessageType, random: GeneratorValue, depth = 0): JsonObject {
  const object: JsonObject = {};
  for (const field of type.fields) {
    if (field.number === 0) continue;
    if (field.inline && field.element.is === 'message') {
      Object.assign(object, randomMessage(field.element.message, random, depth));
      continue;
    }
    const value = randomField(field, random, depth);
    if (value !== undefined) object[field.name] = value;
  }
  return object;
}

function randomField(field: FieldType, random: GeneratorValue, depth: number): unknown {
  const { element, shape, omitEmpty } = field;
  const isList = shape !== 'one' || element.is === 'wrapper' || (element.is === 'scalar' && element.scalar === 'bytes');
  const isOptional = field.pointer || isList;
  if (isOptional && (depth > DEPTH_MAX || random(fc.nat, 3) > 0)) return omitEmpty ? undefined : null;
  const one = (): unknown => randomElement(element, random, depth + 1);
  if (shape === 'list') return [one(), ...(random(fc.boolean) ? [one()] : [])];
  if (shape === 'map') return Object.fromEntries(['b', 'ä/x', '__proto__'].map((key) => [key, one()]));
  const value = one();
  if (field.omitZero && value === null) return undefined;
  if (omitEmpty && (isList || (element.is === 'scalar' && !field.pointer))) {
    return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0)
      ? undefined
      : value;
  }
  return value;
}

function randomElement(element: ElementType, random: GeneratorValue, depth: number): unknown {
  switch (element.is) {
    case 'message':
      return randomMessage(element.message, random, depth);
    case 'wrapper':
      return random(fc.boolean) ? [] : ['one', ''];
    case 'scalar':
      return {
        string: () => random(fc.string, { unit: 'binary' as const, maxLength: 6 }),
        bytes: () => Buffer.from(random(fc.uint8Array, { maxLength: 6 })).toString('base64'),
        bool: () => random(fc.boolean),
        int32: () => random(fc.integer),
        int64: () => toJsonInteger(random(fc.bigInt, { min: -(2n ** 63n), max: 2n ** 63n - 1n })),
        double: () => random(fc.double, { noNaN: true, noDefaultInfinity: true }) + 0,
      }[element.scalar]();
    case 'special':
      return random(fc.constantFrom, ...valuesOf(element.special));
  }
}

function toJsonInteger(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepEqual } from '../../api/equality.js';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { REF_PREFIX, type Schema } from '../schema.js';
import {
  applyDefaults,
  decodeObject,
  DecodeError,
  pruneUnknown,
  shapeOf,
  validateSchema,
  type Shape,
} from './index.js';

const source = builtinSchemas();
const KINDS = [
  'core.v1.Pod',
  'core.v1.Service',
  'core.v1.Secret',
  'apps.v1.Deployment',
  'batch.v1.CronJob',
  'events.v1.Event',
];

const scalar = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, 1.5, 2 ** 40, 2n ** 62n, 2n ** 64n, '', 'x', '1Gi', '0.1', 'YQ==', 'a-b'),
  fc.constantFrom('2024-01-02T03:04:05Z', '2024-01-02T03:04:05.123456+01:00', '2024-02-30T00:00:00Z'),
);

/** A value that mostly fits the shape, with nulls, wrong types and unknown members sprinkled in. */
function valueOf(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  const fitting = depth <= 0 ? scalar : fittingOf(shape, depth);
  return fc.oneof({ arbitrary: fitting, weight: 30 }, { arbitrary: scalar, weight: 1 });
}

function fittingOf(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'object': {
      const names = fc.uniqueArray(fc.constantFrom(...shape.fields.keys(), 'unknownField', '__proto__'), {
        maxLength: 6,
      });
      return names.chain((chosen) =>
        fc
          .tuple(...chosen.map((name) => valueOf(shape.fields.get(name)?.shape ?? shape, depth - 1)))
          .map((values) => Object.fromEntries(chosen.map((name, index) => [name, values[index]]))),
      );
    }
    case 'map':
      return fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), valueOf(shape.element?.shape ?? shape, depth - 1));
    case 'list':
      return fc.array(valueOf(shape.element?.shape ?? shape, depth - 1), { maxLength: 3 });
    case 'integer':
      return fc.integer();
    case 'boolean':
      return fc.boolean();
    default:
      return scalar;
  }
}

describe.each(KINDS)('%s', (kind) => {
  const schema: Schema = { $ref: `${REF_PREFIX}io.k8s.api.${kind}` };
  const objects = valueOf(shapeOf(schema, source), 8);

  it('is read once and for all, or refused with DecodeError', () => {
    fc.assert(
      fc.property(objects, (given) => {
        const before = structuredClone(given);
        try {
          const { object } = decodeObject(schema, given, source);
          const again = decodeObject(schema, object, source);
          expect(again.object).toBe(object);
          expect(again.unknownPaths).toEqual([]);
          expect(pruneUnknown(schema, object, source)).toBe(object);
          const filled = applyDefaults(schema, object, source, { goZeroValues: true });
          expect(applyDefaults(schema, filled, source, { goZeroValues: true })).toBe(filled);
          validateSchema(schema, filled, source, { goZeroValues: true });
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        expect(deepEqual(given, before)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is pruned, filled and validated whatever it is', () => {
    fc.assert(
      fc.property(objects, (given) => {
        const pruned = pruneUnknown(schema, given, source);
        expect(pruneUnknown(schema, pruned, source)).toBe(pruned);
        const filled = applyDefaults(schema, pruned, source);
        expect(deepEqual(applyDefaults(schema, filled, source), filled)).toBe(true);
        validateSchema(schema, filled, source);
      }),
      { numRuns: 200 },
    );
  });
});

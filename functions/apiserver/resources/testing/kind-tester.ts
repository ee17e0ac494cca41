import type { FieldError } from '../../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { FakeClock } from '../../../../lib/clock/fake.js';
import { seededRandom } from '../../../../lib/random.js';
import { builtinSchemas } from '../../../../lib/schema/builtin/builtin-schemas.js';
import { applyDefaults, decodeObject } from '../../../../lib/schema/engine/index.js';
import { kinds } from '../index.js';
import type { HookContext, KindDefinition } from '../kind.js';

for (const { load } of kinds) await load?.();

/** Runs a kind's hooks in the order in which the API server runs them, for tests of kinds. */
export interface KindTester<T> {
  /** Decoded, defaulted and prepared as a new object. */
  create(object: object): T;
  /** Decoded and defaulted alone, as an object of the store. */
  decode(object: object): T;
  /** `field: text` of every error of a create. */
  createErrors(object: object): string[];
  /** The object as an update would store it. */
  update(object: object, old: object, subresource?: string): T;
  updateErrors(object: object, old: object, subresource?: string): string[];
  /** Cells by column name, as `kubectl get -o wide` shows them. */
  cells(object: object, nowMs?: number): Record<string, string | number | boolean | null>;
  warnings(object: object, old?: object): string[];
}

export function kindTester<T extends KubernetesObject>(kind: KindDefinition): KindTester<T> {
  const schemas = builtinSchemas();
  const schema = schemas.definition(kind.definition);
  if (schema === undefined) throw new Error(`there is no schema ${kind.definition}`);
  const context = (subresource = ''): HookContext => ({
    user: { username: 'tester', groups: [] },
    clock: new FakeClock(),
    random: seededRandom(1),
    subresource,
    dryRun: false,
  });

  const decode = (object: object): KubernetesObject => {
    const { object: decoded } = decodeObject(schema, structuredClone(object), schemas);
    return defaulted(decoded as KubernetesObject);
  };
  const defaulted = (object: KubernetesObject): KubernetesObject => {
    const filled = applyDefaults(schema, object, schemas, { goZeroValues: true }) as KubernetesObject;
    kind.defaults?.(filled);
    return filled;
  };
  const create = (object: object): KubernetesObject => {
    const created = decode(object);
    if (kind.hasStatus === true && kind.keepsStatusOnCreate !== true) (created as { status?: unknown }).status = {};
    kind.prepareForCreate?.(created, context());
    return defaulted(created);
  };
  const update = (object: object, old: object, subresource = ''): KubernetesObject => {
    const updated = decode(object);
    const before = decode(old);
    if (subresource === 'status') {
      const { metadata, status } = updated as { metadata?: object; status?: object };
      const written = { ...structuredClone(before), metadata, status } as KubernetesObject;
      kind.prepareForStatusUpdate?.(written, before, context(subresource));
      return written;
    }
    if (kind.hasStatus === true) (updated as { status?: unknown }).status = (before as { status?: unknown }).status;
    kind.prepareForUpdate?.(updated, before, context(subresource));
    return defaulted(updated);
  };
  const texts = (errors: FieldError[]): string[] => [...new Set(errors.map(({ field, body }) => `${field}: ${body}`))];

  return {
    create: (object) => create(object) as T,
    decode: (object) => decode(object) as T,
    update: (object, old, subresource) => update(object, old, subresource) as T,
    createErrors(object) {
      const created = create(object);
      return texts([
        ...(kind.validate?.(created, context()) ?? []),
        ...(kind.validateCreate?.(created, context()) ?? []),
      ]);
    },
    updateErrors(object, old, subresource = '') {
      const before = decode(old);
      const updated = update(object, old, subresource);
      if (subresource === 'status') {
        return texts(kind.validateStatusUpdate?.(updated, before, context(subresource)) ?? []);
      }
      return texts([
        ...(kind.validate?.(updated, context(subresource)) ?? []),
        ...(kind.validateUpdate?.(updated, before, context(subresource)) ?? []),
      ]);
    },
    cells(object, nowMs = 0) {
      const decoded = decode(object);
      return Object.fromEntries((kind.columns ?? []).map((column) => [column.name, column.cell(decoded, nowMs)]));
    },
    warnings(object, old) {
      return kind.warnings?.(decode(object), old === undefined ? undefined : decode(old), context()) ?? [];
    },
  };
}

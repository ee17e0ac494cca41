import { deepEqual } from '../../api/equality.js';
import { invalid, notSupported, required as requiredError, type FieldError } from '../../api/field-errors.js';
import { formatJsonPath, isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import { compileRegex, isMatchTooLong, isRegexFault } from '../../regex.js';
import type { Schema, SchemaSource } from '../schema.js';
import { shapeOf, type Field, type Shape } from './shape.js';
import {
  add,
  ERRORS_MAX,
  fieldName,
  listRules,
  merge,
  nameless,
  numberRules,
  propertyCountRules,
  stringRules,
  typeError,
  type Outcome,
  type Path,
} from './validation-rules.js';

export interface ValidateOptions {
  /** For built-in kinds: required members with a default, and required lists and maps, may be absent, as Go's zero values. */
  goZeroValues?: boolean;
  /** Where the object is; empty for a root. */
  path?: string;
  /** The state before an update: what has not changed since is not looked at again. */
  old?: unknown;
  /** Whether it has taken too long already; asked behind what may be slow. */
  isOverdue?: () => boolean;
}

/**
 * OpenAPI v3 validation in the words of Kubernetes' validation of custom resources:
 * `spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10`.
 */
export function validateSchema(
  schema: Schema,
  object: unknown,
  source: SchemaSource,
  options: ValidateOptions = {},
): FieldError[] {
  const path = options.path === undefined || options.path === '' ? [] : [options.path];
  const validator = new Validator(source, options, path);
  return validator.validateUpdate(schema, object, options.old).errors;
}

/** Nodes visited and characters matched against patterns, together, that one validation may take. */
const WORK_MAX = 3_000_000;

class TooMuchWork extends Error {
  readonly code = 'TooMuchWork';
}

class Validator {
  readonly #source: SchemaSource;
  readonly #goZeroValues: boolean;
  readonly #isOverdue: () => boolean;
  /** Where the value is that is being visited; made a text only for errors. */
  readonly #path: Path;
  /** The counterpart of the value that is being visited, before the update; undefined where there is none. */
  #old: unknown;
  #work = 0;

  constructor(source: SchemaSource, { goZeroValues = false, isOverdue = () => false }: ValidateOptions, path: Path) {
    this.#source = source;
    this.#goZeroValues = goZeroValues;
    this.#isOverdue = isOverdue;
    this.#path = path;
  }

  validateUpdate(schema: Schema, value: unknown, old: unknown): Outcome {
    this.#old = old;
    try {
      return this.validate(schema, value);
    } catch (error) {
      if (!(error instanceof TooMuchWork)) throw error;
      return { errors: [nameless('validation of the object takes more work than one request may cause')], checks: 0 };
    }
  }

  /** A small schema can ask much of a large object: many branches, or long texts and many patterns. */
  #charge(work: number): void {
    this.#work += work;
    if (this.#work > WORK_MAX) throw new TooMuchWork();
  }

  #chargeMatch(pattern: string, text: string): void {
    this.#charge(text.length);
    const regex = compileRegex(pattern);
    if (this.#isOverdue() || (!isRegexFault(regex) && isMatchTooLong(regex, text))) throw new TooMuchWork();
  }

  validate(schema: Schema, value: unknown): Outcome {
    const outcome: Outcome = { errors: [], checks: 1 };
    this.#visit(shapeOf(schema, this.#source), schema.nullable === true, value, outcome);
    return outcome;
  }

  /** Visits a member or an item. */
  #enter(step: string | number, field: Field, value: unknown, outcome: Outcome, old?: unknown): void {
    const before = this.#old;
    this.#old = old;
    this.#path.push(step);
    this.#visit(field.shape, field.schema.nullable === true, value, outcome);
    this.#path.pop();
    this.#old = before;
  }

  #visit(shape: Shape, nullable: boolean, value: unknown, outcome: Outcome): void {
    const { schema } = shape;
    const { types, isPlain } = rulesOf(shape);
    if (outcome.errors.length >= ERRORS_MAX) return;
    if (this.#old !== undefined && deepEqual(value, this.#old)) return;
    outcome.checks++;
    this.#charge(1);
    if (value === null || value === undefined) {
      if (types.length > 0 && !nullable && schema.nullable !== true) {
        add(outcome, typeError(this.#path, types.join(','), 'null'));
      }
      this.#enumeration(schema, value, outcome);
      return;
    }
    const isOfType = types.length === 0 || this.#type(schema, types, value, outcome);
    if (isOfType) outcome.checks++;
    if (!isPlain || !isOfType) this.#ownRules(schema, value, outcome);
    if (Array.isArray(value)) this.#list(shape, value, outcome);
    else if (isJsonObject(value)) this.#object(shape, value, outcome);
  }

  #ownRules(schema: Schema, value: unknown, outcome: Outcome): void {
    const old = this.#old;
    // Within combinations nothing is left out: a branch that is only looked at in part says nothing.
    this.#old = undefined;
    this.#combinations(schema, value, outcome);
    this.#old = old;
    if (typeof value === 'string' && schema.pattern) this.#chargeMatch(schema.pattern, value);
    if (typeof value === 'string') stringRules(schema, value, this.#path, outcome);
    else if (typeof value === 'number' || typeof value === 'bigint') numberRules(schema, value, this.#path, outcome);
    else if (Array.isArray(value)) listRules(schema, value, this.#path, outcome);
    this.#enumeration(schema, value, outcome);
  }

  #type(schema: Schema, types: readonly string[], value: unknown, outcome: Outcome): boolean {
    const found = jsonType(value);
    if (found === types[0] || types.includes(found)) return true;
    if (found === 'integer' && types.includes('number')) return true;
    const format = schema.format ?? '';
    const isNumeric = types.includes('number') || types.includes('integer');
    const isTextOrList = found === 'string' || found === 'array';
    if (format !== '' && !isNumeric && isTextOrList) return true;
    const isPlainMismatch = format === '' || isTextOrList;
    add(
      outcome,
      isPlainMismatch
        ? typeError(this.#path, types.join(','), found)
        : typeError(this.#path, format, found === 'integer' ? 'int64' : found === 'number' ? 'float64' : ''),
    );
    return false;
  }

  #combinations(schema: Schema, value: unknown, outcome: Outcome): void {
    if (schema.anyOf !== undefined && schema.anyOf.length > 0) this.#anyOf(schema.anyOf, value, outcome);
    if (schema.oneOf !== undefined && schema.oneOf.length > 0) this.#oneOf(schema.oneOf, value, outcome);
    if (schema.allOf !== undefined && schema.allOf.length > 0) this.#allOf(schema.allOf, value, outcome);
    if (schema.not !== undefined && this.validate(schema.not, value).errors.length === 0) {
      add(outcome, nameless(`${JSON.stringify(formatJsonPath(this.#path))} must not validate the schema (not)`));
    }
  }

  #anyOf(branches: Schema[], value: unknown, outcome: Outcome): void {
    let best: Outcome | undefined;
    for (const branch of branches) {
      const result = this.validate(branch, value);
      if (result.errors.length === 0) {
        outcome.checks += result.checks;
        return;
      }
      if (best === undefined || result.checks > best.checks) best = result;
    }
    add(outcome, nameless(`${JSON.stringify(formatJsonPath(this.#path))} must validate at least one schema (anyOf)`));
    merge(outcome, best);
  }

  #oneOf(branches: Schema[], value: unknown, outcome: Outcome): void {
    let best: Outcome | undefined;
    const valid: Outcome[] = [];
    for (const branch of branches) {
      const result = this.validate(branch, value);
      if (result.errors.length === 0) {
        best = undefined;
        valid.push(result);
      } else if (valid.length === 0 && (best === undefined || result.checks > best.checks)) {
        best = result;
      }
    }
    if (valid.length === 1) {
      merge(outcome, valid[0]);
      return;
    }
    const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`;
    add(
      outcome,
      nameless(`${JSON.stringify(formatJsonPath(this.#path))} must validate one and only one schema (oneOf). ${found}`),
    );
    merge(outcome, best);
  }

  #allOf(branches: Schema[], value: unknown, outcome: Outcome): void {
    let valid = 0;
    for (const branch of branches) {
      const result = this.validate(branch, value);
      if (result.errors.length === 0) valid++;
      merge(outcome, result);
    }
    if (valid === branches.length) return;
    const none = valid === 0 ? '. None validated' : '';
    add(
      outcome,
      nameless(`${JSON.stringify(formatJsonPath(this.#path))} must validate all the schemas (allOf)${none}`),
    );
  }

  #list(shape: Shape, value: unknown[], outcome: Outcome): void {
    const { element } = shape;
    if (element === undefined || shape.kind !== 'list') return;
    const old = this.#oldElements(shape);
    for (let index = 0; index < value.length; index++)
      this.#enter(index, element, value[index], outcome, old?.(value[index]));
  }

  /** Finds the counterparts of a list's elements, where keys tell them apart. */
  #oldElements({ schema, element }: Shape): ((value: unknown) => unknown) | undefined {
    const keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
    if (keys === undefined || element === undefined || !Array.isArray(this.#old)) return undefined;
    const keyOf = (value: unknown): string =>
      stringifyJson(
        keys.map(
          (key) => (isJsonObject(value) ? value[key] : undefined) ?? element.schema.properties?.[key]?.default ?? null,
        ),
      );
    const byKey = new Map(this.#old.map((one) => [keyOf(one), one]));
    return (value) => byKey.get(keyOf(value));
  }

  #object(shape: Shape, value: Record<string, unknown>, outcome: Outcome): void {
    const { schema } = shape;
    if (schema.minProperties !== undefined || schema.maxProperties !== undefined) {
      propertyCountRules(schema, Object.keys(value).length, this.#path, outcome);
    }
    const before = isJsonObject(this.#old) ? this.#old : undefined;
    for (const name in value) {
      const field = shape.fields.get(name) ?? (shape.kind === 'list' ? undefined : shape.element);
      if (field !== undefined) {
        this.#enter(name, field, value[name], outcome, before?.[name]);
      } else if (schema.additionalProperties === false) {
        add(
          outcome,
          invalid(
            fieldName(this.#path),
            name,
            `${formatJsonPath([...this.#path, name])} in body is a forbidden property`,
          ),
        );
      }
    }
    if (schema.required === undefined) return;
    for (const name of schema.required) {
      if (value[name] === undefined && !Object.hasOwn(value, name) && !this.#mayBeZero(shape, name)) {
        add(outcome, requiredError(formatJsonPath([...this.#path, name])));
      }
    }
  }

  #mayBeZero(shape: Shape, name: string): boolean {
    if (!this.#goZeroValues) return false;
    const field = shape.fields.get(name);
    if (field === undefined) return true;
    return field.schema.default !== undefined || field.shape.kind === 'list' || field.shape.kind === 'map';
  }

  #enumeration(schema: Schema, value: unknown, outcome: Outcome): void {
    const allowed = schema.enum;
    if (allowed === undefined || allowed.length === 0) return;
    if (value !== null && allowed.some((one) => one === value || (typeof one === 'object' && deepEqual(one, value))))
      return;
    const texts = allowed.map((one) => (typeof one === 'string' ? one : stringifyJson(one)));
    add(outcome, notSupported(fieldName(this.#path), value, texts));
  }
}

/** What is asked of a shape's own value, found out once. */
interface Rules {
  readonly types: readonly string[];
  /** Nothing but the type, and what is said of items and members. */
  readonly isPlain: boolean;
}

const RULE_NAMES: readonly (keyof Schema)[] = [
  'enum',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
];

const knownRules = new WeakMap<Shape, Rules>();

function rulesOf(shape: Shape): Rules {
  let rules = knownRules.get(shape);
  if (rules === undefined) {
    const { schema } = shape;
    const isPlain = RULE_NAMES.every((name) => !Object.hasOwn(schema, name));
    knownRules.set(shape, (rules = { types: typesOf(schema), isPlain }));
  }
  return rules;
}

function typesOf(schema: Schema): string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  return schema.type === undefined ? [] : [schema.type];
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'integer';
  return typeof value;
}

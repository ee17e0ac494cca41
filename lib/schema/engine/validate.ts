import { deepEqual } from '../../api/equality.js';
import {
  invalid,
  notSupported,
  required as requiredError,
  tooLong,
  tooMany,
  typeInvalid,
  type FieldError,
} from '../../api/field-errors.js';
import { isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import type { Schema, SchemaSource } from '../schema.js';
import { matchesFormat } from './formats.js';
import { compileGoRegExp } from './go-regexp.js';
import { shapeOf, type Shape } from './shape.js';

export interface ValidateOptions {
  /** For built-in kinds: required members with a default, and required lists and maps, may be absent, as Go's zero values. */
  goZeroValues?: boolean;
  /** Where the object is; empty for a root. */
  path?: string;
}

/** More errors than this nobody reads, and an object of a million wrong items must not make a million messages. */
const ERRORS_MAX = 1_000;

/** What one part of a schema says of a value: its errors, and how many checks were made (anyOf reports the best branch). */
interface Outcome {
  errors: FieldError[];
  checks: number;
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
  return new Validator(source, options.goZeroValues === true).validate(schema, object, options.path ?? '').errors;
}

class Validator {
  readonly #source: SchemaSource;
  readonly #goZeroValues: boolean;

  constructor(source: SchemaSource, goZeroValues: boolean) {
    this.#source = source;
    this.#goZeroValues = goZeroValues;
  }

  validate(schema: Schema, value: unknown, path: string): Outcome {
    const outcome: Outcome = { errors: [], checks: 1 };
    this.#visit(shapeOf(schema, this.#source), schema.nullable === true, value, path, outcome);
    return outcome;
  }

  #visit(shape: Shape, nullable: boolean, value: unknown, path: string, outcome: Outcome): void {
    const { schema } = shape;
    if (outcome.errors.length >= ERRORS_MAX) return;
    outcome.checks++;
    if (value === null || value === undefined) {
      if (typesOf(shape).length > 0 && !nullable && schema.nullable !== true) {
        add(outcome, typeError(path, typesOf(shape).join(','), 'null'));
      }
      this.#enumeration(schema, value, path, outcome);
      return;
    }
    if (!this.#type(shape, value, path, outcome)) {
      this.#enumeration(schema, value, path, outcome);
      return;
    }
    outcome.checks++;
    this.#combinations(schema, value, path, outcome);
    if (typeof value === 'string') stringRules(schema, value, path, outcome);
    else if (typeof value === 'number' || typeof value === 'bigint') numberRules(schema, value, path, outcome);
    else if (Array.isArray(value)) this.#list(shape, value, path, outcome);
    this.#enumeration(schema, value, path, outcome);
    if (isJsonObject(value)) this.#object(shape, value, path, outcome);
  }

  #type(shape: Shape, value: unknown, path: string, outcome: Outcome): boolean {
    const types = typesOf(shape);
    const format = shape.schema.format ?? '';
    if (types.length === 0) return true;
    const found = jsonType(value);
    if (types.includes(found) || (found === 'integer' && types.includes('number'))) return true;
    if (found === 'number' && types.includes('integer') && Number.isInteger(value)) return true;
    const isNumeric = types.includes('number') || types.includes('integer');
    const isTextOrList = found === 'string' || found === 'array';
    if (format !== '' && !isNumeric && isTextOrList) return true;
    const isPlainMismatch = format === '' || isTextOrList;
    add(
      outcome,
      isPlainMismatch
        ? typeError(path, types.join(','), found)
        : typeError(path, format, found === 'integer' ? 'int64' : found === 'number' ? 'float64' : ''),
    );
    return false;
  }

  #combinations(schema: Schema, value: unknown, path: string, outcome: Outcome): void {
    if (schema.anyOf !== undefined && schema.anyOf.length > 0) this.#anyOf(schema.anyOf, value, path, outcome);
    if (schema.oneOf !== undefined && schema.oneOf.length > 0) this.#oneOf(schema.oneOf, value, path, outcome);
    if (schema.allOf !== undefined && schema.allOf.length > 0) this.#allOf(schema.allOf, value, path, outcome);
    if (schema.not !== undefined && this.validate(schema.not, value, path).errors.length === 0) {
      add(outcome, nameless(`${JSON.stringify(path)} must not validate the schema (not)`));
    }
  }

  #anyOf(branches: Schema[], value: unknown, path: string, outcome: Outcome): void {
    let best: Outcome | undefined;
    for (const branch of branches) {
      const result = this.validate(branch, value, path);
      if (result.errors.length === 0) {
        outcome.checks += result.checks;
        return;
      }
      if (best === undefined || result.checks > best.checks) best = result;
    }
    add(outcome, nameless(`${JSON.stringify(path)} must validate at least one schema (anyOf)`));
    merge(outcome, best);
  }

  #oneOf(branches: Schema[], value: unknown, path: string, outcome: Outcome): void {
    let best: Outcome | undefined;
    const valid: Outcome[] = [];
    for (const branch of branches) {
      const result = this.validate(branch, value, path);
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
    add(outcome, nameless(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${found}`));
    merge(outcome, best);
  }

  #allOf(branches: Schema[], value: unknown, path: string, outcome: Outcome): void {
    let valid = 0;
    for (const branch of branches) {
      const result = this.validate(branch, value, path);
      if (result.errors.length === 0) valid++;
      merge(outcome, result);
    }
    if (valid === branches.length) return;
    const none = valid === 0 ? '. None validated' : '';
    add(outcome, nameless(`${JSON.stringify(path)} must validate all the schemas (allOf)${none}`));
  }

  #list(shape: Shape, value: unknown[], path: string, outcome: Outcome): void {
    const { schema, element } = shape;
    if (element !== undefined) {
      const nullable = element.schema.nullable === true;
      for (let index = 0; index < value.length; index++) {
        this.#visit(element.shape, nullable, value[index], `${path}[${index}]`, outcome);
      }
    }
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      add(outcome, bodyError(path, value.length, `should have at least ${schema.minItems} items`));
    }
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      add(outcome, tooMany(fieldName(path), value.length, schema.maxItems));
    }
    if (schema.uniqueItems === true && hasDuplicates(value)) {
      add(outcome, bodyError(path, '', "shouldn't contain duplicates"));
    }
  }

  #object(shape: Shape, value: Record<string, unknown>, path: string, outcome: Outcome): void {
    const { schema } = shape;
    if (schema.minProperties !== undefined || schema.maxProperties !== undefined) {
      propertyCountRules(schema, Object.keys(value).length, path, outcome);
    }
    for (const name in value) {
      const field = shape.fields.get(name) ?? shape.element;
      if (field !== undefined) {
        const below = path === '' && shape.fields.has(name) ? name : `${path}.${name}`;
        this.#visit(field.shape, field.schema.nullable === true, value[name], below, outcome);
      } else if (schema.additionalProperties === false) {
        add(outcome, invalid(fieldName(path), name, `${path}.${name} in body is a forbidden property`));
      }
    }
    if (schema.required === undefined) return;
    for (const name of schema.required) {
      if (value[name] === undefined && !Object.hasOwn(value, name) && !this.#mayBeZero(shape, name)) {
        add(outcome, requiredError(fieldName(`${path}.${name}`)));
      }
    }
  }

  #mayBeZero(shape: Shape, name: string): boolean {
    if (!this.#goZeroValues) return false;
    const field = shape.fields.get(name);
    if (field === undefined) return true;
    return field.schema.default !== undefined || field.shape.kind === 'list' || field.shape.kind === 'map';
  }

  #enumeration(schema: Schema, value: unknown, path: string, outcome: Outcome): void {
    const allowed = schema.enum;
    if (allowed === undefined || allowed.length === 0) return;
    if (value !== null && allowed.some((one) => one === value || (typeof one === 'object' && deepEqual(one, value))))
      return;
    const texts = allowed.map((one) => (typeof one === 'string' ? one : stringifyJson(one)));
    add(outcome, notSupported(fieldName(path), value, texts));
  }
}

function stringRules(schema: Schema, value: string, path: string, outcome: Outcome): void {
  if (schema.maxLength !== undefined && value.length > schema.maxLength && characters(value) > schema.maxLength) {
    add(outcome, tooLong(fieldName(path), schema.maxLength));
  } else if (schema.minLength !== undefined && characters(value) < schema.minLength) {
    add(outcome, bodyError(path, value, `should be at least ${schema.minLength} chars long`));
  } else if (schema.pattern !== undefined && schema.pattern !== '') {
    const pattern = compileGoRegExp(schema.pattern);
    const shown = pattern === undefined ? `${schema.pattern}, but pattern is invalid` : schema.pattern;
    if (pattern?.test(value) !== true) add(outcome, bodyError(path, value, `should match '${shown}'`));
  }
  if (schema.format !== undefined && !matchesFormat(schema.format, value)) {
    add(
      outcome,
      typeInvalid(fieldName(path), value, `${inBody(path)} must be of type ${schema.format}: ${JSON.stringify(value)}`),
    );
  }
}

function numberRules(schema: Schema, value: number | bigint, path: string, outcome: Outcome): void {
  if (schema.type === 'integer' && !fitsFormat(value, schema.format)) {
    const kind =
      schema.format === 'int32' || schema.format === 'int64' ? `with format ${schema.format}` : '(default format)';
    add(outcome, nameless(`Checked value must be of type integer ${kind} in ${path}`));
  }
  const { multipleOf, maximum, minimum } = schema;
  if (multipleOf !== undefined && !isMultiple(Number(value), multipleOf)) {
    add(outcome, bodyError(path, value, `should be a multiple of ${multipleOf}`));
  }
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const words = schema.exclusiveMinimum === true ? 'greater than' : 'greater than or equal to';
    add(outcome, bodyError(path, value, `should be ${words} ${minimum}`));
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const words = schema.exclusiveMaximum === true ? 'less than' : 'less than or equal to';
    add(outcome, bodyError(path, value, `should be ${words} ${maximum}`));
  }
}

function propertyCountRules(schema: Schema, count: number, path: string, outcome: Outcome): void {
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    add(outcome, bodyError(path, count, `should have at least ${schema.minProperties} properties`));
  }
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    add(outcome, tooMany(fieldName(path), count, schema.maxProperties));
  }
}

function fitsFormat(value: number | bigint, format: string | undefined): boolean {
  const bits = format === 'int32' ? 31n : 63n;
  if (typeof value === 'number' && Number.isSafeInteger(value) && bits === 63n) return true;
  if (typeof value === 'number' && !Number.isInteger(value)) return true;
  const exact = BigInt(value);
  return exact >= -(2n ** bits) && exact < 2n ** bits;
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function typesOf(shape: Shape): string[] {
  if (shape.schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  return shape.schema.type === undefined ? [] : [shape.schema.type];
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'integer';
  return typeof value;
}

/** Code points, as Go counts runes. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function hasDuplicates(list: unknown[]): boolean {
  const seen = new Set<unknown>();
  for (const item of list) {
    const key = typeof item === 'object' && item !== null ? `o${stringifyJson(sorted(item))}` : item;
    if (seen.has(key)) return true;
    seen.add(key);
  }
  return false;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, sorted(value[name])]),
  );
}

function fieldName(path: string): string {
  const name = path.startsWith('.') ? path.slice(1) : path;
  return name === '' ? '<nil>' : name;
}

function inBody(path: string): string {
  return `${path} in body`;
}

function bodyError(path: string, value: unknown, words: string): FieldError {
  return invalid(fieldName(path), value, `${inBody(path)} ${words}`);
}

function typeError(path: string, expected: string, found: string): FieldError {
  return typeInvalid(fieldName(path), found, `${inBody(path)} must be of type ${expected}: ${JSON.stringify(found)}`);
}

function nameless(words: string): FieldError {
  return invalid('<nil>', '', words);
}

function add(outcome: Outcome, error: FieldError): void {
  const isKnown = outcome.errors.some((one) => one.field === error.field && one.body === error.body);
  if (!isKnown && outcome.errors.length < ERRORS_MAX) outcome.errors.push(error);
}

function merge(outcome: Outcome, other: Outcome | undefined): void {
  if (other === undefined) return;
  outcome.checks += other.checks;
  for (const error of other.errors) add(outcome, error);
}

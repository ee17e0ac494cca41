import { invalid, tooLong, tooMany, typeInvalid, type FieldError } from '../../api/field-errors.js';
import { formatJsonPath, isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import type { Schema } from '../schema.js';
import { matchesFormat } from './formats.js';
import { compileRegex, isRegexFault } from '../../regex.js';

/** More errors than this nobody reads, and an object of a million wrong items must not make a million messages. */
export const ERRORS_MAX = 1_000;

/** Steps to the value that is validated; the first may be a path already. */
export type Path = (string | number)[];

/** What one part of a schema says of a value: its errors, and how many checks were made (anyOf reports the best branch). */
export interface Outcome {
  errors: FieldError[];
  checks: number;
}

/** Length, pattern and format of a text. */
export function stringRules(schema: Schema, value: string, path: Path, outcome: Outcome): void {
  if (schema.maxLength !== undefined && value.length > schema.maxLength && characters(value) > schema.maxLength) {
    add(outcome, tooLong(fieldName(path), schema.maxLength));
  } else if (schema.minLength !== undefined && characters(value) < schema.minLength) {
    add(outcome, bodyError(path, value, `should be at least ${schema.minLength} chars long`));
  } else if (schema.pattern !== undefined && schema.pattern !== '') {
    const pattern = compileRegex(schema.pattern);
    const isFault = isRegexFault(pattern);
    const shown = isFault ? `${schema.pattern}, but pattern is invalid: ${pattern.message}` : schema.pattern;
    if (isFault || !pattern.matcher(value).find()) add(outcome, bodyError(path, value, `should match '${shown}'`));
  }
  if (schema.format !== undefined && !matchesFormat(schema.format, value)) {
    add(
      outcome,
      typeInvalid(fieldName(path), value, `${inBody(path)} must be of type ${schema.format}: ${JSON.stringify(value)}`),
    );
  }
}

/** Length and uniqueness of a list. */
export function listRules(schema: Schema, value: unknown[], path: Path, outcome: Outcome): void {
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

/** Bounds of a number. */
export function numberRules(schema: Schema, value: number | bigint, path: Path, outcome: Outcome): void {
  if (schema.type === 'integer' && !fitsFormat(value, schema.format)) {
    const kind =
      schema.format === 'int32' || schema.format === 'int64' ? `with format ${schema.format}` : '(default format)';
    add(outcome, nameless(`Checked value must be of type integer ${kind} in ${formatJsonPath(path)}`));
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

/** How many members an object has. */
export function propertyCountRules(schema: Schema, count: number, path: Path, outcome: Outcome): void {
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
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const exact = BigInt(value);
  return exact >= -(2n ** bits) && exact < 2n ** bits;
}

function isMultiple(value: number, factor: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(factor)) return value % factor === 0;
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
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

/** How the place of an error is named; the root has no name. */
export function fieldName(path: Path): string {
  return path.length === 0 ? '<nil>' : formatJsonPath(path);
}

function inBody(path: Path): string {
  return `${formatJsonPath(path)} in body`;
}

function bodyError(path: Path, value: unknown, words: string): FieldError {
  return invalid(fieldName(path), value, `${inBody(path)} ${words}`);
}

export function typeError(path: Path, expected: string, found: string): FieldError {
  return typeInvalid(fieldName(path), found, `${inBody(path)} must be of type ${expected}: ${JSON.stringify(found)}`);
}

/** An error about a combination of schemas, which Kubernetes gives no place. */
export function nameless(words: string): FieldError {
  return invalid('<nil>', '', words);
}

/** Adds an error that is not there yet. */
export function add(outcome: Outcome, error: FieldError): void {
  const isKnown = outcome.errors.some((one) => one.field === error.field && one.body === error.body);
  if (!isKnown && outcome.errors.length < ERRORS_MAX) outcome.errors.push(error);
}

export function merge(outcome: Outcome, other: Outcome | undefined): void {
  if (other === undefined) return;
  outcome.checks += other.checks;
  for (const error of other.errors) add(outcome, error);
}

import { isJsonObject } from '../../json/path.js';

/** A long value in an error message helps nobody. */
const PRINTED_MAX = 2_000;

/** A value as Go's `%v` prints it, which some error messages show: `map[image:nginx ports:[80]]`. */
export function goPrint(value: unknown): string {
  const text = print(value);
  return text.length > PRINTED_MAX ? `${text.slice(0, PRINTED_MAX)}…` : text;
}

function print(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(print).join(' ')}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${name}:${print(value[name])}`);
  return `map[${members.join(' ')}]`;
}

/** The Go type that a JSON value is read into. */
export function goTypeName(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
}

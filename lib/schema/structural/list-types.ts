import { duplicate, type FieldError } from '../../api/field-errors.js';
import { isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import { elementKey, listKeysOf, type StructuralSchema, valuesOf } from './structural-schema.js';

/** Elements of sets, and keys of map lists, that are there twice. */
export function listTypeErrors(schema: StructuralSchema, value: unknown, path = ''): FieldError[] {
  if (Array.isArray(value)) return listErrors(schema, value, path);
  if (!isJsonObject(value)) return [];
  const errors: FieldError[] = [];
  const values = valuesOf(schema);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, name))
      errors.push(...listTypeErrors(property, value[name], path === '' ? name : `${path}.${name}`));
  }
  if (values !== undefined)
    for (const [name, one] of Object.entries(value)) errors.push(...listTypeErrors(values, one, `${path}[${name}]`));
  return errors;
}

function listErrors(schema: StructuralSchema, value: readonly unknown[], path: string): FieldError[] {
  const { items } = schema;
  if (items === undefined) return [];
  const errors: FieldError[] = [];
  const keys = listKeysOf(schema);
  if (keys !== undefined || schema['x-kubernetes-list-type'] === 'set') {
    const seen = new Set<string>();
    for (const [index, element] of value.entries()) {
      const key = keys === undefined ? stringifyJson(sorted(element)) : elementKey(items, keys, element);
      if (seen.has(key))
        errors.push(duplicate(`${path}[${index}]`, keys === undefined ? element : keyOf(element, keys)));
      seen.add(key);
    }
  }
  for (const [index, element] of value.entries()) errors.push(...listTypeErrors(items, element, `${path}[${index}]`));
  return errors;
}

function keyOf(element: unknown, keys: readonly string[]): unknown {
  if (!isJsonObject(element)) return element;
  return Object.fromEntries(keys.filter((key) => element[key] !== undefined).map((key) => [key, element[key]]));
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

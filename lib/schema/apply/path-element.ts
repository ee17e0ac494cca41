import { stringifyJson } from '../../json/stringify.js';
import { parseJson } from '../../json/parse.js';
import { isJsonObject } from '../../json/path.js';
import { ApplyError } from './errors.js';

/**
 * One step of a path to a field, as fieldsV1 writes it: `f:replicas` a member, `k:{"name":"web"}` the item of a list with these
 * keys, `v:"x"` an item of a set, `i:0` an item of an atomic list (never written by us).
 */
export type PathElement = string;

/** Stands in a set of fields for the field around it, where fields in it are in the set too. */
export const SELF = '.';

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The item with these keys, which must be sorted by name. */
export function keyElement(keys: readonly (readonly [name: string, value: unknown])[]): PathElement {
  return `k:{${keys.map(([name, value]) => `${JSON.stringify(name)}:${goJson(value)}`).join(',')}}`;
}

export function valueElement(value: unknown): PathElement {
  return `v:${goJson(value)}`;
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** JSON as Go writes it, which escapes what is special in HTML. */
function goJson(value: unknown): string {
  const text = stringifyJson(value);
  return text.replace(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

interface Parsed {
  /** In the order that elements of different types have. */
  readonly type: 'f' | 'k' | 'v' | 'i';
  readonly name: string;
  readonly keys: readonly (readonly [name: string, value: unknown])[];
  readonly value: unknown;
}

const TYPE_ORDER = 'fkvi';
/** Parsed elements that are kept: those with keys come up in every write of their object. */
const PARSED_MAX = 10_000;
const parsedElements = new Map<PathElement, Parsed>();

function parse(element: PathElement): Parsed {
  const known = parsedElements.get(element);
  if (known !== undefined) return known;
  const parsed = read(element);
  if (parsed === undefined) throw new ApplyError('BadManagedFields', `unknown path element ${JSON.stringify(element)}`);
  if (parsedElements.size >= PARSED_MAX) parsedElements.clear();
  parsedElements.set(element, parsed);
  return parsed;
}

/** Undefined for an element of a type that is not known. Throws `ApplyError`. */
function read(element: PathElement): Parsed | undefined {
  if (element.length < 2) throw new ApplyError('BadManagedFields', 'key must be 2 characters long:');
  if (element[1] !== ':') throw new ApplyError('BadManagedFields', `missing colon: ${element}`);
  const text = element.slice(2);
  const none = { name: '', keys: [], value: undefined };
  switch (element[0]) {
    case 'f':
      return { ...none, type: 'f', name: text };
    case 'k': {
      const value = readJson(text);
      if (!isJsonObject(value)) throw new ApplyError('BadManagedFields', `no keys in path element ${element}`);
      return { ...none, type: 'k', keys: Object.entries(value).toSorted(([a], [b]) => compareText(a, b)) };
    }
    case 'v':
      return { ...none, type: 'v', value: readJson(text) };
    case 'i':
      if (!/^-?[0-9]{1,15}$/.test(text)) throw new ApplyError('BadManagedFields', `no index: ${element}`);
      return { ...none, type: 'i', value: Number(text) };
    default:
      return undefined;
  }
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new ApplyError('BadManagedFields', error instanceof Error ? error.message : String(error));
  }
}

/** The one way to write an element; undefined for one of a type that is not known. Throws `ApplyError`. */
export function canonicalElement(element: PathElement): PathElement | undefined {
  const parsed = read(element);
  switch (parsed?.type) {
    case undefined:
      return undefined;
    case 'k':
      return keyElement(parsed.keys);
    case 'v':
      return valueElement(parsed.value);
    case 'i':
      return `i:${String(parsed.value)}`;
    case 'f':
      return element;
  }
}

/** The order of the steps in a set: members by name, then items by their keys, by their value, by their index. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left === right) return 0;
  if (left === SELF || right === SELF) return left === SELF ? -1 : 1;
  if (left.startsWith('f:') && right.startsWith('f:')) return compareText(left, right);
  const a = parse(left);
  const b = parse(right);
  if (a.type !== b.type) return TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type);
  return a.type === 'k' ? compareKeys(a.keys, b.keys) : compareValues(a.value, b.value);
}

function compareKeys(left: Parsed['keys'], right: Parsed['keys']): number {
  for (let index = 0; ; index++) {
    const a = left[index];
    const b = right[index];
    if (a === undefined || b === undefined) return left.length - right.length;
    const order = compareText(a[0], b[0]) || compareValues(a[1], b[1]);
    if (order !== 0) return order;
  }
}

/** A total order: numbers, texts, booleans, then everything else by its text. */
function compareValues(left: unknown, right: unknown): number {
  const [a, b] = [rankOf(left), rankOf(right)];
  if (a !== b) return a - b;
  switch (a) {
    case 0:
      return (left as number) < (right as number) ? -1 : (left as number) > (right as number) ? 1 : 0;
    case 1:
      return compareText(left as string, right as string);
    case 2:
      return Number(left) - Number(right);
    default:
      return compareText(stringifyJson(left), stringifyJson(right));
  }
}

function rankOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return 0;
  if (typeof value === 'string') return 1;
  return typeof value === 'boolean' ? 2 : 3;
}

/** Texts by code points, as Go orders UTF-8. JavaScript's own order differs only where a surrogate stands. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const [aHigh, bHigh] = [isSurrogate(a), isSurrogate(b)];
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1;
  }
  return left.length - right.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** As messages show it: `.replicas`, `[name="web"]`, `[="x"]`, `[0]`. */
export function printElement(element: PathElement): string {
  const parsed = parse(element);
  switch (parsed.type) {
    case 'f':
      return `.${parsed.name}`;
    case 'k':
      return `[${parsed.keys.map(([name, value]) => `${name}=${printValue(value)}`).join(',')}]`;
    case 'v':
      return `[=${printValue(parsed.value)}]`;
    case 'i':
      return `[${String(parsed.value)}]`;
  }
}

function printValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : stringifyJson(value);
}

/** `.spec.template.spec.containers[name="web"].image` */
export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join('');
}

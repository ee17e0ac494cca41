import { stringifyJson } from '../../../lib/json/stringify.js';

/** Copies and comparisons of JSON values, which may hold BigInts. */

export function cloneJson<T>(value: T): T {
  return clone(value) as T;
}

function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(clone);
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__')
      Object.defineProperty(copy, name, { value: clone(member), writable: true, enumerable: true, configurable: true });
    else copy[name] = clone(member);
  }
  return copy;
}

/** Equal as JSON: the order of members does not count, nor do undefined ones. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return isInteger(left) && isInteger(right) && BigInt(left) === BigInt(right);
  }
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => equalJson(item, right[index]))
    );
  }
  if (Array.isArray(right)) return false;
  const a = left as Record<string, unknown>;
  const b = right as Record<string, unknown>;
  let present = 0;
  for (const name of Object.keys(a)) {
    if (a[name] === undefined) continue;
    present++;
    if (!Object.hasOwn(b, name) || !equalJson(a[name], b[name])) return false;
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) present--;
  return present === 0;
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
}

/** The value at a dotted path of members: `spec.replicas`. A leading dot is allowed. */
export function readPath(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.split('.')) {
    if (name === '') continue;
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Sets the value at a dotted path, making the objects on the way. */
export function writePath(object: object, path: string, value: unknown): void {
  const names = path.split('.').filter((name) => name !== '');
  let target = object as Record<string, unknown>;
  for (const name of names.slice(0, -1)) {
    const next = target[name];
    target = (typeof next === 'object' && next !== null ? next : (target[name] = {})) as Record<string, unknown>;
  }
  target[names.at(-1) as string] = value;
}

/** JSON text with two spaces of indentation per level; BigInts are integers. */
export function prettyJson(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return stringifyJson(value);
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item) => prettyJson(item, inner))
    : Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${prettyJson(member, inner)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return parts.length === 0 ? open + close : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

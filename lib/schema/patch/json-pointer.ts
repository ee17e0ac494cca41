import { isJsonObject, setMember } from '../../json/path.js';
import { PatchError } from './errors.js';

/** An object or list that an operation acts on, and the name or index in it. */
export interface Place {
  container: Record<string, unknown> | unknown[];
  key: string;
}

const INTEGER = /^[+-]?[0-9]{1,18}$/;

/** The container that a pointer leads to, or undefined when something on the way is missing or no container. */
export function findPlace(root: unknown, pointer: string): Place | undefined {
  const parts = pointer.split('/');
  if (parts.length < 2) return undefined;
  let container: unknown = root;
  for (const part of parts.slice(1, -1)) {
    const key = unescapePart(part);
    if (Array.isArray(container)) {
      const index = INTEGER.test(key) ? wrap(Number(key), container.length) : -1;
      container = container[index];
    } else if (isJsonObject(container)) {
      container = Object.hasOwn(container, key) ? container[key] : undefined;
    } else {
      return undefined;
    }
  }
  if (!Array.isArray(container) && !isJsonObject(container)) return undefined;
  return { container, key: unescapePart(parts.at(-1) ?? '') };
}

function unescapePart(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Negative indices count from the end. */
function wrap(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

/** Null for a member that is missing; throws, in Go's words, for an index that is. */
export function getAt({ container, key }: Place): unknown {
  if (!Array.isArray(container)) return Object.hasOwn(container, key) ? container[key] : null;
  return container[existingIndex(container, key)] ?? null;
}

/** Sets a member or an existing item. */
export function setAt({ container, key }: Place, value: unknown): void {
  if (Array.isArray(container)) container[existingIndex(container, key)] = value;
  else setMember(container, key, value);
}

/** Sets a member or inserts an item; `-` is the place behind the last one. */
export function addAt({ container, key }: Place, value: unknown): void {
  if (!Array.isArray(container)) {
    setMember(container, key, value);
  } else if (key === '-') {
    container.push(value);
  } else {
    if (!INTEGER.test(key)) throw failure(`value was not a proper array index: '${key}': ${notAnInteger(key)}`);
    const index = Number(key);
    const places = container.length + 1;
    if (index >= places || index < -places) throw badIndex(index);
    container.splice(wrap(index, places), 0, value);
  }
}

/** Removes what is there; throws when it is not. */
export function removeAt({ container, key }: Place): void {
  if (Array.isArray(container)) {
    container.splice(existingIndex(container, key), 1);
    return;
  }
  if (!Object.hasOwn(container, key)) throw failure(`Unable to remove nonexistent key: ${key}: missing value`);
  delete container[key];
}

function existingIndex(list: unknown[], key: string): number {
  if (!INTEGER.test(key)) throw failure(notAnInteger(key));
  const index = Number(key);
  if (index >= list.length || index < -list.length) throw badIndex(index);
  return wrap(index, list.length);
}

function badIndex(index: number): PatchError {
  return failure(`Unable to access invalid index: ${index}: invalid index referenced`);
}

function notAnInteger(key: string): string {
  return `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`;
}

function failure(message: string): PatchError {
  return new PatchError('PatchFailed', message);
}

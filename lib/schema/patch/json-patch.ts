import { deepEqual } from '../../api/equality.js';
import { isJsonObject, setMember } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import { PatchError } from './errors.js';
import { addAt, findPlace, getAt, removeAt, setAt, type Place } from './json-pointer.js';

export const JSON_PATCH_OPERATIONS_MAX = 10_000;
/** What all copy operations of one patch may add, as in Kubernetes: the size of the largest request. */
export const JSON_PATCH_COPY_BYTES_MAX = 3 * 1024 * 1024;

interface Operation {
  op: string;
  path: string | undefined;
  from: string | undefined;
  /** Undefined when the operation has none, which is not the same as null. */
  value: unknown;
}

interface Document {
  root: unknown;
  copiedBytes: number;
}

/**
 * JSON patch (RFC 6902) as Kubernetes' library applies it: negative indices count from the end, replace may create a member,
 * a test for null passes where nothing is. `current` is not changed. Throws `PatchError`.
 */
export function jsonPatch(current: Record<string, unknown>, patch: unknown): Record<string, unknown> {
  const operations = readOperations(patch);
  const document: Document = { root: clone(current), copiedBytes: 0 };
  for (const operation of operations) apply(document, operation);
  if (!isJsonObject(document.root)) throw new PatchError('PatchFailed', 'the patched document is not an object');
  return document.root;
}

function readOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    const what = isJsonObject(patch) ? 'object' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw new PatchError('BadPatch', `json: cannot unmarshal ${what} into Go value of type jsonpatch.Patch`);
  }
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new PatchError(
      'PatchTooLarge',
      `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${patch.length}`,
    );
  }
  return patch.map(readOperation);
}

function readOperation(given: unknown): Operation {
  if (!isJsonObject(given)) {
    const what = Array.isArray(given) ? 'array' : typeof given === 'boolean' ? 'bool' : typeof given;
    throw new PatchError('BadPatch', `json: cannot unmarshal ${what} into Go value of type jsonpatch.Operation`);
  }
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    op: text('op') ?? 'unknown',
    path: text('path'),
    from: text('from'),
    value: Object.hasOwn(given, 'value') ? given['value'] : undefined,
  };
}

function apply(document: Document, operation: Operation): void {
  switch (operation.op) {
    case 'add':
      return add(document, operation);
    case 'remove':
      return remove(document, operation);
    case 'replace':
      return replace(document, operation);
    case 'move':
      return move(document, operation);
    case 'copy':
      return copy(document, operation);
    case 'test':
      return test(document, operation);
    default:
      throw new PatchError('PatchFailed', `Unexpected kind: ${operation.op}`);
  }
}

function pathOf({ op, path }: Operation): string {
  if (path !== undefined) return path;
  const reason = op === 'replace' || op === 'move' || op === 'test' ? 'operation missing path field: ' : '';
  throw new PatchError('PatchFailed', `${op} operation failed to decode path: ${reason}missing value`);
}

function fromOf({ op, from }: Operation): string {
  if (from !== undefined) return from;
  throw new PatchError(
    'PatchFailed',
    `${op} operation failed to decode from: operation, missing from field: missing value`,
  );
}

function placeOf(document: Document, pointer: string, missing: string): Place {
  const place = findPlace(document.root, pointer);
  if (place === undefined) throw new PatchError('PatchFailed', `${missing}: missing value`);
  return place;
}

/** Runs a step, putting before its refusal where it happened. */
function at<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof PatchError) throw new PatchError(error.code, `${where}: ${error.message}`);
    throw error;
  }
}

function add(document: Document, operation: Operation): void {
  const path = pathOf(operation);
  const place = placeOf(document, path, `add operation does not apply: doc is missing path: ${JSON.stringify(path)}`);
  at(`error in add for path: '${path}'`, () => addAt(place, clone(operation.value ?? null)));
}

function remove(document: Document, operation: Operation): void {
  const path = pathOf(operation);
  const place = placeOf(
    document,
    path,
    `remove operation does not apply: doc is missing path: ${JSON.stringify(path)}`,
  );
  at(`error in remove for path: '${path}'`, () => removeAt(place));
}

function replace(document: Document, operation: Operation): void {
  const path = pathOf(operation);
  const value = clone(operation.value ?? null);
  if (path === '') {
    if (typeof value !== 'object' || value === null) {
      throw new PatchError('PatchFailed', 'replace operation value must be object or array');
    }
    document.root = value;
    return;
  }
  const place = placeOf(document, path, `replace operation does not apply: doc is missing path: ${path}`);
  try {
    setAt(place, value);
  } catch {
    throw new PatchError('PatchFailed', `replace operation does not apply: doc is missing key: ${path}: missing value`);
  }
}

function move(document: Document, operation: Operation): void {
  const from = fromOf(operation);
  const source = placeOf(document, from, `move operation does not apply: doc is missing from path: ${from}`);
  const value = at(`error in move for path: '${source.key}'`, () => {
    const moved = getAt(source);
    removeAt(source);
    return moved;
  });
  const path = pathOf(operation);
  const target = placeOf(document, path, `move operation does not apply: doc is missing destination path: ${path}`);
  at(`error in move for path: '${path}'`, () => addAt(target, value));
}

function copy(document: Document, operation: Operation): void {
  const from = fromOf(operation);
  const source = placeOf(document, from, `copy operation does not apply: doc is missing from path: ${from}`);
  const value = at(`error in copy for from: '${from}'`, () => getAt(source));
  const path = pathOf(operation);
  const target = placeOf(document, path, `copy operation does not apply: doc is missing destination path: ${path}`);
  document.copiedBytes += value === null ? 0 : Buffer.byteLength(stringifyJson(value));
  if (document.copiedBytes > JSON_PATCH_COPY_BYTES_MAX) {
    throw new PatchError(
      'PatchFailed',
      `Unable to complete the copy, the accumulated size increase of copy is ${document.copiedBytes}, exceeding the limit ${JSON_PATCH_COPY_BYTES_MAX}`,
    );
  }
  at('error while adding value during copy', () => addAt(target, clone(value)));
}

function test(document: Document, operation: Operation): void {
  const path = pathOf(operation);
  const failed = new PatchError('TestFailed', `testing value ${path} failed: test failed`);
  if (path === '') {
    if (!deepEqual(document.root, operation.value)) throw failed;
    return;
  }
  const place = placeOf(document, path, `test operation does not apply: is missing path: ${path}`);
  const value = at(`error in test for path: '${path}'`, () => getAt(place));
  if (!deepEqual(value, operation.value ?? null)) throw failed;
}

function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (!isJsonObject(value)) return value;
  const copied: Record<string, unknown> = {};
  for (const name of Object.keys(value)) setMember(copied, name, clone(value[name]));
  return copied;
}

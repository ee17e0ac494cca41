import { StoreError } from './errors.js';
import { OBJECT_SIZE_MAX_BYTES, WRITE_OPERATIONS_MAX } from './store.js';
import type { WriteOperation } from './store.js';

/** The longest key, in UTF-8 bytes; what the narrowest adapter can index (a namespace and a name need 317). */
export const KEY_SIZE_MAX_BYTES = 1_024;

/** UTF-8 takes at most three bytes for each UTF-16 unit. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

export function keyFits(key: string): boolean {
  return key.length * UTF8_BYTES_PER_UNIT_MAX <= KEY_SIZE_MAX_BYTES || Buffer.byteLength(key) <= KEY_SIZE_MAX_BYTES;
}

/**
 * Checks what can be told without looking at the store. A caller's mistakes (two operations on one key, too many, a delete
 * of what must be absent) are defects and throw a plain Error; a key that is too long is `too-large`.
 */
export function checkOperations(operations: readonly WriteOperation[]): void {
  if (operations.length > WRITE_OPERATIONS_MAX)
    throw new Error(`a write holds at most ${WRITE_OPERATIONS_MAX} operations, got ${operations.length}`);
  for (const operation of operations) {
    if (operation.delete === true && operation.expect === 'absent')
      throw new Error(`a delete of ${operation.key} cannot expect it to be absent`);
    if (!keyFits(operation.key))
      throw new StoreError(
        'too-large',
        `the key ${operation.key.slice(0, 64)}... is longer than ${KEY_SIZE_MAX_BYTES} bytes: use a shorter name`,
        { keys: [operation.key] },
      );
  }
  if (operations.length > 1 && new Set(operations.map(({ key }) => key)).size < operations.length)
    throw new Error('the operations of one write must have distinct keys');
}

/** Makes the bytes of an operation for its revision; `too-large` when they exceed OBJECT_SIZE_MAX_BYTES. */
export function makeBody(operation: WriteOperation, revision: number): Uint8Array {
  const body = operation.body(revision);
  if (body.byteLength > OBJECT_SIZE_MAX_BYTES)
    throw new StoreError(
      'too-large',
      `${operation.key} has ${body.byteLength} bytes, above the limit of ${OBJECT_SIZE_MAX_BYTES}: make it smaller`,
      { keys: [operation.key] },
    );
  return body;
}

/** The error for expectations that failed. */
export function conflictError(collection: string, keys: readonly string[]): StoreError {
  return new StoreError(
    'conflict',
    `${collection} ${keys.join(', ')}: changed by somebody else; read it again and repeat the change`,
    { keys },
  );
}

export function compactedError(collection: string, options: { revision: number; compacted: number }): StoreError {
  return new StoreError(
    'compacted',
    `the log of ${collection} no longer reaches back to revision ${options.revision} (kept: after ${options.compacted}); list again`,
  );
}

export function closedError(): StoreError {
  return new StoreError('unavailable', 'the store is closed');
}

import { expect } from 'vitest';
import { isStoreError, StoreError } from '../../lib/store/errors.js';
import type { StoreErrorCode } from '../../lib/store/errors.js';
import type {
  ChangeEvent,
  ChangeFeed,
  ListPosition,
  Store,
  StoredObject,
  WriteOperation,
} from '../../lib/store/store.js';

/** What a suite needs to know of an adapter. */
export interface StoreHarness {
  store: Store;
  /** Where the adapter has a feed of its own. */
  feed?: ChangeFeed;
  /** Lets so much time pass that everything logged so far is older than what the log keeps. Compaction may take writes or a moment to follow. */
  ageLog: () => Promise<void>;
  /** Releases what the store does not. */
  dispose?: () => Promise<void>;
}

export interface StoreCapabilities {
  /** `list` tells how many objects follow a page. */
  remaining: boolean;
  /** How long a watch may take to notice a write; 0 for wake-ups. */
  watchDelayMs: number;
  /** Keys and collections survive any byte of UTF-8. */
  unicodeKeys: boolean;
  /** Writes that are watched while they come. Default: 400; where each takes long, fewer show the same. */
  watchedWrites?: number;
}

/** How long the suite waits for what should happen soon. */
const SOON_MS = 20_000;

export const PODS = 'core/pods';

export function create(key: string, body = key): WriteOperation {
  return { key, expect: 'absent', body: bytes(body) };
}

export function update(key: string, revision: number, body = key): WriteOperation {
  return { key, expect: revision, body: bytes(body) };
}

export function remove(key: string, revision: number, body = key): WriteOperation {
  return { key, expect: revision, body: bytes(body), delete: true };
}

function bytes(body: string): (revision: number) => Uint8Array {
  return (revision) => Buffer.from(`${body}@${revision}`);
}

export function text(body: Uint8Array | undefined): string {
  return Buffer.from(body ?? []).toString();
}

export function shown(object: StoredObject | undefined): unknown[] {
  return [object?.key, object?.revision, text(object?.body)];
}

export function shownEvent(event: ChangeEvent): unknown[] {
  const { revision, type, key, body, previous } = event;
  return [revision, type, key, text(body), previous === undefined ? undefined : text(previous)];
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

export function key3(index: number): string {
  return `default/p-${String(index).padStart(3, '0')}`;
}

export function pause(delayMs = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

export async function failure(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('expected a StoreError');
}

export async function codeOf(promise: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
}

export async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + SOON_MS;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('it did not happen');
    await pause(1);
  }
}

/** Creates the object or, where it exists, updates it or (now and then) deletes it; a lost race is left alone. */
export async function touchOne(store: Store, key: string): Promise<void> {
  const object = await store.get(PODS, key);
  const operation =
    object === undefined
      ? create(key)
      : object.revision % 3 === 0
        ? remove(key, object.revision)
        : update(key, object.revision);
  try {
    await store.write(PODS, [operation]);
  } catch (error) {
    if (!isStoreError(error, 'conflict')) throw error;
  }
}

export async function incrementTimes(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const object = await store.get(PODS, key);
    const value = Number(text(object?.body).split('@')[0]);
    try {
      await store.write(PODS, [update(key, object?.revision ?? 0, String(value + 1))]);
      done++;
    } catch (error) {
      if (!isStoreError(error, 'conflict')) throw error;
    }
  }
}

export async function pagedKeys(store: Store, limit: number): Promise<string[]> {
  const keys: string[] = [];
  let position: ListPosition | undefined;
  do {
    const page = await store.list(PODS, { limit, continue: position });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    keys.push(...page.items.map(({ key }) => key));
    position = page.continue;
  } while (position !== undefined);
  return keys;
}

/** The events a watch delivers until `enough` holds; checks that they are gapless and match the batches' revisions. */
export async function collect(
  store: Store,
  after: number,
  signal: AbortSignal,
  enough: (events: readonly ChangeEvent[]) => boolean,
): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  let position = after;
  for await (const changes of store.watch(PODS, after, signal)) {
    for (const event of changes.events) {
      expect(event.revision).toBe(++position);
      events.push(event);
    }
    expect(changes.revision).toBeGreaterThanOrEqual(position);
    if (enough(events)) break;
  }
  return events;
}

/** The collection's objects at a revision, as the log tells. */
export function replay(events: readonly ChangeEvent[], revision: number): unknown[] {
  const objects = new Map<string, unknown[]>();
  for (const event of events) {
    if (event.revision > revision) break;
    if (event.type === 'deleted') objects.delete(event.key);
    else objects.set(event.key, [event.key, event.revision, text(event.body)]);
  }
  return [...objects.values()].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}

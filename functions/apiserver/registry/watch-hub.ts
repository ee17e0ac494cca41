import { sleep, type Clock } from '../../../lib/clock/clock.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { ChangeEvent, Changes, Store } from '../../../lib/store/store.js';
import type { Resource } from './catalog.js';
import { withRevision } from './encode.js';
import {
  BOOKMARK_INTERVAL_MS,
  STORE_RETRIES_MAX,
  STORE_RETRY_DELAY_MS,
  WATCH_RECENT_EVENTS_MAX,
  WATCH_RECENT_MAX_BYTES,
} from './limits.js';
import type { Attributes, StoredObjects } from './objects.js';
import type { Selection } from './selection.js';

/** One event with all that its watchers share: what selectors see, and the frames they are sent. */
export class HubEvent {
  readonly change: ChangeEvent;
  readonly #resource: Resource;
  readonly #objects: StoredObjects;
  readonly #frames = new Map<string, Uint8Array>();
  #now: Attributes | undefined;
  #before: Attributes | undefined;

  constructor(change: ChangeEvent, resource: Resource, objects: StoredObjects) {
    this.change = change;
    this.#resource = resource;
    this.#objects = objects;
  }

  /** Of the written state; of a delete its last one. */
  get now(): Attributes {
    if (this.#now !== undefined) return this.#now;
    // The state before is at hand until this one takes its place.
    void this.before;
    const { key, revision, body } = this.change;
    return (this.#now = this.#objects.attributes(this.#resource, { key, revision, body }));
  }

  /** Of the state before; undefined for a create. */
  get before(): Attributes | undefined {
    if (this.change.previous === undefined) return undefined;
    return (this.#before ??= this.#objects.earlierAttributes(this.#resource, this.change.key, this.change.previous));
  }

  /** What this event is to a watcher with that selection; undefined: nothing. */
  view(selection: Selection): { type: 'ADDED' | 'MODIFIED' | 'DELETED'; body: Uint8Array } | undefined {
    const { type, body, previous, revision } = this.change;
    if (selection.everything) return { type: EVENT_TYPES[type], body };
    const wasIn = this.before !== undefined && selection.matches(this.before);
    if (type === 'deleted') return wasIn ? { type: 'DELETED', body } : undefined;
    const isIn = selection.matches(this.now);
    if (isIn) return { type: wasIn ? 'MODIFIED' : 'ADDED', body };
    return wasIn && previous !== undefined ? { type: 'DELETED', body: withRevision(previous, revision) } : undefined;
  }

  /** Bytes made once for all watchers of one form. */
  frame(form: string, make: () => Uint8Array): Uint8Array {
    let bytes = this.#frames.get(form);
    if (bytes === undefined) this.#frames.set(form, (bytes = make()));
    return bytes;
  }
}

const EVENT_TYPES = { created: 'ADDED', updated: 'MODIFIED', deleted: 'DELETED' } as const;

/** A watcher that has caught up. Its calls must not throw and must not wait. */
export interface Subscriber {
  readonly selection: Selection;
  /** Events up to this revision have been seen. */
  readonly after: number;
  event(event: HubEvent): void;
  /** All events up to this revision have been given. */
  bookmark(revision: number): void;
  /** The hub cannot go on; the watch must end. */
  failed(error: unknown): void;
  /** Nothing follows, and nothing has failed: what has been given is sent, and the watch ends. */
  ended(): void;
}

/**
 * The one reader of a collection's change log, for all watchers of that collection. Watchers that look at one object, one value of a
 * selectable field, or one namespace hear only of events that may concern them.
 */
export class WatchHub {
  readonly #store: Store;
  readonly #resource: Resource;
  readonly #objects: StoredObjects;
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  readonly #abort = new AbortController();
  /** By the index key of their selection. */
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** Selectable fields that some watcher is indexed by. */
  readonly #indexedFields = new Map<string, number>();
  /** Watches that hold the hub, those still catching up included. */
  #users = 0;
  /** Recent events, oldest first. They reach back to, not including, #recentAfter. */
  #recent: HubEvent[] = [];
  #recentBytes = 0;
  #recentAfter = 0;
  #position = 0;
  #started: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  /** The last revision that is given; undefined: there is no last one. */
  #endsAt: number | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: { store: Store; resource: Resource; objects: StoredObjects; clock: Clock; onIdle: () => void }) {
    this.#store = options.store;
    this.#resource = options.resource;
    this.#objects = options.objects;
    this.#clock = options.clock;
    this.#onIdle = options.onIdle;
  }

  /** All events up to here have been given to the watchers. */
  get position(): number {
    return this.#position;
  }

  /** What it gives is out of date: its definition has changed or gone. */
  get isRetired(): boolean {
    return this.#endsAt !== undefined;
  }

  /** Gives what has been written until now, and then ends all its watches. */
  async retire(): Promise<void> {
    this.#endsAt = Infinity;
    try {
      this.#endsAt = await this.#store.revision(this.#resource.collection);
    } catch {
      // Watches resume where they were told they are.
      this.#endsAt = 0;
    }
    this.#endIfDone();
  }

  /** Keeps the hub following its log until `release`. */
  retain(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
  }

  start(): Promise<void> {
    return (this.#started ??= this.#begin());
  }

  /** The events after a revision, or undefined when that is further back than what is at hand. */
  recent(after: number): HubEvent[] | undefined {
    if (after < this.#recentAfter) return undefined;
    if (after >= this.#position) return [];
    let first = this.#recent.length;
    while (first > 0 && (this.#recent[first - 1] as HubEvent).change.revision > after) first--;
    return this.#recent.slice(first);
  }

  /** Gives every event from now on. Call in one turn with `recent`, so that nothing falls between. */
  subscribe(subscriber: Subscriber): () => void {
    if (this.#failure !== undefined) {
      subscriber.failed(this.#failure.error);
      return () => undefined;
    }
    if (this.isRetired && this.#abort.signal.aborted) {
      subscriber.ended();
      return () => undefined;
    }
    const { index } = subscriber.selection;
    const key = indexKey(index);
    let group = this.#subscribers.get(key);
    if (group === undefined) this.#subscribers.set(key, (group = new Set()));
    group.add(subscriber);
    if (index?.field !== undefined)
      this.#indexedFields.set(index.field, (this.#indexedFields.get(index.field) ?? 0) + 1);
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      this.#unsubscribe(key, subscriber);
    };
  }

  close(): void {
    this.#abort.abort();
    this.#cancelTimer();
  }

  #unsubscribe(key: string, subscriber: Subscriber): void {
    const group = this.#subscribers.get(key);
    group?.delete(subscriber);
    if (group?.size === 0) this.#subscribers.delete(key);
    const field = subscriber.selection.index?.field;
    if (field !== undefined) {
      const left = (this.#indexedFields.get(field) ?? 1) - 1;
      if (left === 0) this.#indexedFields.delete(field);
      else this.#indexedFields.set(field, left);
    }
  }

  async #begin(): Promise<void> {
    const position = await this.#store.revision(this.#resource.collection);
    this.#position = position;
    this.#recentAfter = position;
    this.#armTimer();
    void this.#follow();
  }

  /** Reads the log until the hub is closed or cannot go on. A store that is away for a moment is waited for. */
  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted;) {
      try {
        for await (const changes of this.#store.watch(this.#resource.collection, this.#position, signal)) {
          failures = 0;
          this.#take(changes);
        }
        if (!signal.aborted) throw new Error('the store ended the change log');
      } catch (error) {
        if (signal.aborted) return;
        if (!isStoreError(error, 'unavailable') || ++failures > STORE_RETRIES_MAX) return this.#fail(error);
        await sleep(this.#clock, error.retryAfterMs ?? STORE_RETRY_DELAY_MS, signal);
      }
    }
  }

  #take(changes: Changes): void {
    for (const change of changes.events) {
      const event = new HubEvent(change, this.#resource, this.#objects);
      this.#remember(event);
      this.#position = change.revision;
      this.#dispatch(event);
    }
    this.#position = Math.max(this.#position, changes.revision);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#endsAt === undefined || this.#position < this.#endsAt || this.#abort.signal.aborted) return;
    const all = this.#all();
    this.#onIdle();
    for (const subscriber of all) subscriber.ended();
  }

  #remember(event: HubEvent): void {
    this.#recent.push(event);
    this.#recentBytes += event.change.body.byteLength;
    if (this.#recent.length <= WATCH_RECENT_EVENTS_MAX && this.#recentBytes <= WATCH_RECENT_MAX_BYTES) return;
    const dropped = this.#recent.splice(0, Math.ceil(this.#recent.length / 2));
    for (const { change } of dropped) this.#recentBytes -= change.body.byteLength;
    this.#recentAfter = dropped.at(-1)?.change.revision ?? this.#recentAfter;
  }

  #dispatch(event: HubEvent): void {
    const { revision } = event.change;
    for (const key of this.#keysOf(event)) {
      const group = this.#subscribers.get(key);
      if (group === undefined) continue;
      for (const subscriber of group) if (revision > subscriber.after) subscriber.event(event);
    }
  }

  /** The index keys under which watchers may want the event. */
  #keysOf(event: HubEvent): Set<string> {
    const { key } = event.change;
    const keys = new Set([indexKey(undefined), indexKey({ key })]);
    const slash = key.indexOf('/');
    if (slash >= 0) {
      keys.add(indexKey({ namespace: key.slice(0, slash) }));
      keys.add(indexKey({ name: key.slice(slash + 1) }));
    } else {
      keys.add(indexKey({ name: key }));
    }
    for (const field of this.#indexedFields.keys()) {
      keys.add(indexKey({ field, value: event.now.fields[field] ?? '' }));
      if (event.before !== undefined) keys.add(indexKey({ field, value: event.before.fields[field] ?? '' }));
    }
    return keys;
  }

  #armTimer(): void {
    this.#cancelTimer = this.#clock.setTimer(BOOKMARK_INTERVAL_MS, () => {
      if (this.#users === 0) return this.#onIdle();
      for (const subscriber of this.#all()) subscriber.bookmark(Math.max(this.#position, subscriber.after));
      this.#armTimer();
    });
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = { error };
    this.close();
    const all = this.#all();
    this.#onIdle();
    for (const subscriber of all)
      subscriber.failed(isStoreError(error) ? error : new Error('the change log failed', { cause: error }));
  }

  #all(): Subscriber[] {
    return [...this.#subscribers.values()].flatMap((group) => [...group]);
  }
}

/** What narrows a selection to a part of the events, the narrowest known thing alone. */
export type SelectionIndex =
  | { key: string; name?: undefined; namespace?: undefined; field?: undefined }
  | { name: string; key?: undefined; namespace?: undefined; field?: undefined }
  | { namespace: string; key?: undefined; name?: undefined; field?: undefined }
  | { field: string; value: string; key?: undefined; name?: undefined; namespace?: undefined };

function indexKey(index: SelectionIndex | undefined): string {
  if (index === undefined) return '*';
  if (index.key !== undefined) return `k\n${index.key}`;
  if (index.name !== undefined) return `m\n${index.name}`;
  if (index.namespace !== undefined) return `n\n${index.namespace}`;
  return `f\n${index.field}\n${index.value}`;
}

/** The hubs of all collections that are watched now. */
export class WatchHubs {
  readonly #hubs = new Map<string, WatchHub>();
  /** Those that still give what was written before they were. */
  readonly #retired = new Set<WatchHub>();
  readonly #options: { store: Store; objects: StoredObjects; clock: Clock };

  constructor(options: { store: Store; objects: StoredObjects; clock: Clock }) {
    this.#options = options;
  }

  /** The hub of a resource's collection, following its log; the caller releases it. `resource` is in storage version. */
  async open(resource: Resource): Promise<WatchHub> {
    const { collection } = resource;
    let hub = this.#hubs.get(collection);
    if (hub === undefined) {
      const made = new WatchHub({ ...this.#options, resource, onIdle: () => this.#remove(collection, made) });
      this.#hubs.set(collection, (hub = made));
    }
    hub.retain();
    try {
      await hub.start();
    } catch (error) {
      this.#remove(collection, hub);
      throw error;
    }
    return hub;
  }

  /** What the collection held is shown otherwise from now on, or not at all: its watches end, and new ones see it as it is. */
  retire(collection: string): void {
    const hub = this.#hubs.get(collection);
    if (hub === undefined) return;
    this.#hubs.delete(collection);
    this.#retired.add(hub);
    void hub.retire();
  }

  close(): void {
    for (const hub of [...this.#hubs.values(), ...this.#retired]) hub.close();
    this.#hubs.clear();
    this.#retired.clear();
  }

  #remove(collection: string, hub: WatchHub): void {
    hub.close();
    this.#retired.delete(hub);
    if (this.#hubs.get(collection) === hub) this.#hubs.delete(collection);
  }
}

import { ApiError, notAcceptable, tooManyRequests } from '../../../lib/api/errors.js';
import type { Status } from '../../../lib/api/meta.js';
import { randomInt } from '../../../lib/random.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { StoredObject } from '../../../lib/store/store.js';
import type { Call, Registry } from './context.js';
import {
  OVERLOAD_RETRY_AFTER_SECONDS,
  WATCH_BATCH_FRAMES_MAX,
  WATCH_PIECE_MAX_BYTES,
  WATCH_TIMEOUT_MIN_SECONDS,
  WATCHES_MAX,
} from './limits.js';
import { listObjects } from './list.js';
import { readListOptions, type ListOptions } from './options.js';
import { presenterOf, type Presenter } from './present.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';
import { readSelection, type Selection } from './selection.js';
import { tooLargeResourceVersion } from './store-errors.js';
import { HubEvent, type WatchHub } from './watch-hub.js';
import { eventFrame, WatchQueue } from './watch-queue.js';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
const TOO_MANY_WATCHES = 'too many watches are open, please try again later';

/** GET with watch: a stream of JSON lines. */
export async function handleWatch(registry: Registry, call: Call): Promise<ApiResponse> {
  const frames = await openWatch(registry, call);
  return jsonResponse(200, joined(frames), { 'transfer-encoding': 'chunked' });
}

async function* joined(batches: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frames of batches) {
    for (const piece of bySize(frames, (frame) => frame.byteLength)) {
      yield piece.length === 1 ? (piece[0] as Uint8Array) : Buffer.concat(piece);
    }
  }
}

/** The items in order, together as long as they fit into one piece. */
function* bySize<T>(items: readonly T[], bytesOf: (item: T) => number): Generator<readonly T[], void, undefined> {
  let first = 0;
  let bytes = 0;
  for (let index = 0; index < items.length; index++) {
    const size = bytesOf(items[index] as T);
    if (index > first && (bytes + size > WATCH_PIECE_MAX_BYTES || index - first === WATCH_BATCH_FRAMES_MAX)) {
      yield items.slice(first, index);
      first = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (first < items.length) yield first === 0 ? items : items.slice(first);
}

/** The events of a watch as frames, one line each, until it ends. Throws what can be refused before the first byte. */
export async function openWatch(registry: Registry, call: Call): Promise<AsyncIterable<readonly Uint8Array[]>> {
  const options = selectName(readListOptions(call.query, true), call);
  const presenter = presenterOf(registry, call);
  if (presenter.representation.format !== 'json') throw notAcceptable(['application/json;stream=watch']);
  const selection = readSelection(call.resource, call.path.namespace, options);
  if (registry.watches.open >= WATCHES_MAX) throw tooManyRequests(TOO_MANY_WATCHES, OVERLOAD_RETRY_AFTER_SECONDS);
  registry.watches.open++;
  let hub: WatchHub | undefined;
  let unfollow = (): void => undefined;
  try {
    const isCustom = call.resource.definition.custom !== undefined;
    if (isCustom) unfollow = await registry.followDefinitions();
    hub = await registry.hubs.open(registry.catalog.storage(call.resource));
    const start = await startOf(registry, call, options);
    const queue = new WatchQueue({ selection, presenter, bookmarks: options.allowWatchBookmarks });
    return new Watch({ registry, call, options, presenter, selection, hub, start, queue, unfollow }).frames();
  } catch (error) {
    registry.watches.open--;
    hub?.release();
    unfollow();
    throw error;
  }
}

/** The legacy form `/watch/…/pods/NAME` is a watch of that name. */
function selectName(options: ListOptions, call: Call): ListOptions {
  const { name } = call.path;
  if (name === '') return options;
  const selectsName = `metadata.name=${name.replace(/[\\,=]/g, '\\$&')}`;
  const { fieldSelector } = options;
  return { ...options, fieldSelector: fieldSelector === '' ? selectsName : `${fieldSelector},${selectsName}` };
}

interface Start {
  /** Objects given as ADDED first. */
  readonly initial: readonly StoredObject[];
  /** Events after this follow. */
  readonly after: number;
  /** The closing bookmark of the initial events is wanted. */
  readonly closing: boolean;
}

/** Where the watch begins: at a revision, at the present, or with the present state as ADDED events. */
async function startOf(registry: Registry, call: Call, options: ListOptions): Promise<Start> {
  const { resourceVersion: asked = 0, sendInitialEvents } = options;
  const { collection } = call.resource;
  if (sendInitialEvents === true) {
    const current = await registry.store.revision(collection);
    if (asked > current) throw tooLargeResourceVersion(asked, current);
  }
  if (sendInitialEvents === true || (sendInitialEvents === undefined && asked === 0)) {
    const listed = await listObjects(registry, call, {
      ...options,
      limit: 0,
      continue: '',
      resourceVersion: undefined,
      resourceVersionMatch: '',
    });
    return { initial: listed.items, after: listed.revision, closing: sendInitialEvents === true };
  }
  const after = asked === 0 ? await registry.store.revision(collection) : asked;
  return { initial: [], after, closing: false };
}

interface WatchParts {
  readonly registry: Registry;
  readonly call: Call;
  readonly options: ListOptions;
  readonly presenter: Presenter;
  readonly selection: Selection;
  readonly hub: WatchHub;
  readonly start: Start;
  readonly queue: WatchQueue;
  /** Ends the look-out for a change of the resource's definition. */
  readonly unfollow: () => void;
}

/** One open watch: initial events, then what the log has, then what the hub gives. */
class Watch {
  readonly #parts: WatchParts;
  readonly #cancelTimeout: () => void;
  readonly #onAbort = (): void => this.#close();
  #unsubscribe: () => void = () => undefined;
  #open = true;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    const { registry, call, options, queue } = parts;
    this.#cancelTimeout = registry.clock.setTimer(timeoutMs(registry, options), () => queue.ended());
    call.request.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (call.request.signal.aborted) this.#close();
  }

  async *frames(): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    try {
      yield* this.#initial();
      yield* this.#catchUp();
      yield* this.#parts.queue.batches();
    } catch (error) {
      if (this.#open) yield [this.#error(error)];
    } finally {
      this.#close();
    }
  }

  *#initial(): Generator<readonly Uint8Array[], void, undefined> {
    const { start, presenter, queue } = this.#parts;
    for (const batch of bySize(start.initial, ({ body }) => body.byteLength)) {
      if (!queue.open) return;
      yield batch.map(({ body }) => eventFrame('ADDED', presenter.object(body)));
    }
    if (!start.closing || !queue.open) return;
    const annotations = { [INITIAL_EVENTS_END]: 'true' };
    yield [eventFrame('BOOKMARK', presenter.bookmark({ resourceVersion: String(start.after), annotations }))];
  }

  /** Reads the log until the hub's recent events join on. */
  async *#catchUp(): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const { registry, call, hub, start, queue } = this.#parts;
    const storage = registry.catalog.storage(call.resource);
    let after = start.after;
    while (queue.open) {
      if (hub.isRetired || !this.#isServed()) return queue.close();
      const recent = hub.recent(after);
      if (recent !== undefined) {
        queue.startAt(after);
        for (const event of recent) queue.event(event);
        this.#unsubscribe = hub.subscribe(queue);
        return;
      }
      const changes = await registry.store.changes(storage.collection, after);
      const frames: Uint8Array[] = [];
      for (const change of changes.events) {
        const frame = queue.frameOf(new HubEvent(change, storage, registry.objects));
        if (frame !== undefined) frames.push(frame);
      }
      if (frames.length > 0) yield frames;
      after = changes.revision;
    }
  }

  /** A definition that has changed since the request came serves another resource. */
  #isServed(): boolean {
    const { catalog } = this.#parts.registry;
    const { resource } = this.#parts.call;
    return (
      resource.definition.custom === undefined ||
      catalog.find(resource.group, resource.version, resource.plural) === resource
    );
  }

  #error(error: unknown): Uint8Array {
    const { registry, start, hub } = this.#parts;
    let status: Status;
    if (isStoreError(error, 'compacted')) {
      status = new ApiError({
        code: 410,
        reason: 'Expired',
        message: `too old resource version: ${start.after} (${hub.position})`,
      }).status;
    } else {
      registry.log.error({ error: String(error) }, 'a watch failed');
      status = new ApiError({
        code: 500,
        reason: 'InternalError',
        message: 'Internal error occurred: the watch cannot go on, start it again',
      }).status;
    }
    return eventFrame('ERROR', Buffer.from(JSON.stringify(status)));
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { registry, call, hub, queue, unfollow } = this.#parts;
    this.#cancelTimeout();
    call.request.signal.removeEventListener('abort', this.#onAbort);
    this.#unsubscribe();
    queue.close();
    hub.release();
    unfollow();
    registry.watches.open--;
  }
}

function timeoutMs(registry: Registry, options: ListOptions): number {
  const asked = options.timeoutSeconds ?? 0;
  const seconds = asked > 0 ? asked : WATCH_TIMEOUT_MIN_SECONDS + randomInt(registry.random, WATCH_TIMEOUT_MIN_SECONDS);
  return Math.min(seconds, registry.watchSecondsMax) * 1_000;
}

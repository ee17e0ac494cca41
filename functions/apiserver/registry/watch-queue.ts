import { WATCH_BACKLOG_FRAMES_MAX, WATCH_BACKLOG_MAX_BYTES, WATCH_BATCH_FRAMES_MAX } from './limits.js';
import type { Presenter } from './present.js';
import type { Selection } from './selection.js';
import type { HubEvent, Subscriber } from './watch-hub.js';

/** What waits to be sent to one watcher, bounded: a watcher that cannot keep up is ended and resumes by itself. */
export class WatchQueue implements Subscriber {
  readonly selection: Selection;
  readonly #presenter: Presenter;
  readonly #bookmarks: boolean;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #after = 0;
  #seen = 0;
  #open = true;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: { selection: Selection; presenter: Presenter; bookmarks: boolean }) {
    this.selection = options.selection;
    this.#presenter = options.presenter;
    this.#bookmarks = options.bookmarks;
  }

  get after(): number {
    return this.#after;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Events up to here have been sent or need not be. */
  startAt(revision: number): void {
    this.#after = revision;
    this.#seen = revision;
  }

  event(event: HubEvent): void {
    this.#seen = event.change.revision;
    const frame = this.frameOf(event);
    if (frame !== undefined) this.#push(frame);
  }

  bookmark(revision: number): void {
    this.#seen = Math.max(this.#seen, revision);
    if (this.#bookmarks) this.#push(this.#bookmarkFrame());
  }

  failed(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  /** The watch's time is over, or nothing follows: what waits is sent, and the position, so that the client resumes there. */
  ended(): void {
    if (this.#open && this.#bookmarks && this.#seen > 0) this.#push(this.#bookmarkFrame());
    this.close();
  }

  close(): void {
    this.#open = false;
    this.#wake?.();
  }

  /** The event as this watcher is sent it; undefined when it does not concern it. */
  frameOf(event: HubEvent): Uint8Array | undefined {
    const view = event.view(this.selection);
    if (view === undefined) return undefined;
    const { type, body } = view;
    const presenter = this.#presenter;
    return event.frame(`${type}/${presenter.key}`, () => eventFrame(type, presenter.object(body)));
  }

  /** What comes in, until the watch ends. Throws what made the hub fail. */
  async *batches(): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    for (;;) {
      while (this.#frames.length > 0) {
        const batch = this.#take();
        yield batch;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (!this.#open) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  #take(): Uint8Array[] {
    const batch =
      this.#frames.length <= WATCH_BATCH_FRAMES_MAX ? this.#frames : this.#frames.slice(0, WATCH_BATCH_FRAMES_MAX);
    this.#frames = batch === this.#frames ? [] : this.#frames.slice(WATCH_BATCH_FRAMES_MAX);
    for (const frame of batch) this.#bytes -= frame.byteLength;
    return batch;
  }

  #push(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#frames.push(frame);
    this.#bytes += frame.byteLength;
    if (this.#frames.length > WATCH_BACKLOG_FRAMES_MAX || this.#bytes > WATCH_BACKLOG_MAX_BYTES) return this.close();
    this.#wake?.();
  }

  #bookmarkFrame(): Uint8Array {
    return eventFrame('BOOKMARK', this.#presenter.bookmark({ resourceVersion: String(this.#seen) }));
  }
}

const LINE_END = Buffer.from('}\n');

/** One line of the stream. */
export function eventFrame(type: string, object: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, LINE_END]);
}

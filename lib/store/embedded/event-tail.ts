import { DenseLog } from '../dense-log.js';
import type { ChangeEvent } from '../store.js';

/** How much of the newest log stays in memory, so that watchers who keep up share one copy and read no disk. */
const TAIL_EVENTS_MAX = 4_096;
const TAIL_BYTES_MAX = 4 * 1_024 * 1_024;

/** An event with what the port does not show: the revision of what it replaced, 0 for nothing. */
export interface LoggedEvent {
  readonly event: ChangeEvent;
  readonly previousRevision: number;
}

/** The newest events of one collection, in memory. */
export class EventTail {
  readonly #log: DenseLog<LoggedEvent>;
  #bytes = 0;

  constructor(nextRevision: number) {
    this.#log = new DenseLog(nextRevision);
  }

  /** Events from here on are in the tail. */
  get firstRevision(): number {
    return this.#log.firstRevision;
  }

  push(event: LoggedEvent): void {
    this.#log.push(event);
    this.#bytes += sizeBytes(event);
    while (this.#log.length > TAIL_EVENTS_MAX || (this.#bytes > TAIL_BYTES_MAX && this.#log.length > 1))
      this.dropBefore(this.#log.firstRevision + 1);
  }

  /** At most `count` events from `revision` on, which must be in the tail. */
  slice(revision: number, count: number): LoggedEvent[] {
    return this.#log.slice(revision, count);
  }

  dropBefore(revision: number): void {
    for (let first = this.#log.firstRevision; first < revision; first++) {
      const event = this.#log.get(first);
      if (event === undefined) break;
      this.#bytes -= sizeBytes(event);
    }
    this.#log.dropBefore(revision);
  }
}

function sizeBytes({ event }: LoggedEvent): number {
  return event.body.byteLength + (event.previous?.byteLength ?? 0);
}

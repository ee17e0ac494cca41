import type { CollectionRecord } from './encoding.js';
import { EventTail } from './event-tail.js';

/** What is known of a collection without reading: as of the last published batch, hence exactly the snapshot's state. */
export class CollectionState {
  readonly name: string;
  record: CollectionRecord;
  readonly tail: EventTail;
  /** An entry of the log that was found too young to go; as long as it is the oldest, nothing needs to be read to know that. */
  oldestKept: { revision: number; timeMs: number } | undefined;

  constructor(name: string, record: CollectionRecord) {
    this.name = name;
    this.record = record;
    this.tail = new EventTail(record.revision + 1);
  }
}

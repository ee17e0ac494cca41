import type { StoreDatabase } from './database.js';
import { decodeCollection } from './encoding.js';
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

const EVERYTHING = { start: Buffer.of(0x00), end: Buffer.of(0xff) };

/** All collections at the snapshot. */
export function readCollections(database: StoreDatabase): CollectionState[] {
  return [...database.range(database.collections, EVERYTHING)].map(
    ({ key, value }) => new CollectionState(key.toString(), decodeCollection(value)),
  );
}

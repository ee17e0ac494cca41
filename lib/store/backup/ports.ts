import type { ListOptions, ListResult, StoredObject } from '../store.js';

/**
 * What stores offer beside the port for backups: a cut through all collections.
 *
 * A cut is causally closed: a write that was made by somebody who had seen another write is in it only together with that one, and
 * every write acknowledged before the call is in it. Where the log of a collection does not tell (heartbeats on DynamoDB), its objects are
 * as they are when they are read.
 */
export interface BackupSource {
  /** The revision of each collection that holds, or held, objects; each can be read for a while with a list that continues there. */
  cut(): Promise<ReadonlyMap<string, number>>;
  list(collection: string, options?: ListOptions): Promise<ListResult>;
}

/**
 * Puts a backup into a store, whose former content goes. Objects keep their revisions, and logs begin anew at the revisions given: an
 * older position is `compacted`.
 *
 * The calls come in this order: `begin`, then for each collection `collection` and `put`s, then `finish`. A store that was left between
 * `begin` and `finish` says so at the next opportunity (see the adapters), and `begin` starts over.
 */
export interface Restorer {
  begin(): Promise<void>;
  /** At least `revision` is what the collection reports from now on. */
  collection(name: string, revision: number): Promise<void>;
  put(collection: string, objects: readonly StoredObject[]): Promise<void>;
  finish(): Promise<void>;
}

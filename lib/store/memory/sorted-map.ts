import { sortKey } from '../keys.js';

/** A chunk is split above this; an insert moves at most so many slots. */
const CHUNK_ENTRIES_MAX = 512;

interface Entry<V> {
  readonly sort: string;
  readonly key: string;
  value: V;
}

/**
 * A map in key order: a hash map for the single key and, for ranges, sorted chunks of bounded size. Replacing a
 * value costs one hash lookup; inserting and deleting one binary search and a short move.
 */
export class SortedMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  #chunks: Entry<V>[][] = [];

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: string, value: V): void {
    const existing = this.#entries.get(key);
    if (existing !== undefined) {
      existing.value = value;
      return;
    }
    const entry = { sort: sortKey(key), key, value };
    this.#entries.set(key, entry);
    const at = this.#firstAtOrAfter((candidate) => candidate.sort > entry.sort);
    // An entry that belongs between two chunks goes to the end of the former.
    const chunkIndex = at.index === 0 && at.chunk > 0 ? at.chunk - 1 : at.chunk;
    const chunk = this.#chunks[chunkIndex];
    if (chunk === undefined) {
      this.#chunks.push([entry]);
      return;
    }
    chunk.splice(chunkIndex === at.chunk ? at.index : chunk.length, 0, entry);
    if (chunk.length > CHUNK_ENTRIES_MAX) this.#chunks.splice(chunkIndex + 1, 0, chunk.splice(chunk.length >> 1));
  }

  delete(key: string): boolean {
    const existing = this.#entries.get(key);
    if (existing === undefined) return false;
    this.#entries.delete(key);
    const at = this.#firstAtOrAfter((candidate) => candidate.sort >= existing.sort);
    const chunk = this.#chunks[at.chunk] as Entry<V>[];
    chunk.splice(at.index, 1);
    const following = this.#chunks[at.chunk + 1];
    if (chunk.length === 0) this.#chunks.splice(at.chunk, 1);
    else if (following !== undefined && chunk.length + following.length < CHUNK_ENTRIES_MAX >> 1)
      this.#chunks.splice(at.chunk, 2, [...chunk, ...following]);
    return true;
  }

  /** The values whose keys start with `prefix` and are above `after`, in key order. The map must not change meanwhile. */
  *range(prefix: string, after?: string): Generator<V, undefined> {
    const sortPrefix = sortKey(prefix);
    const start = this.#rangeStart(sortPrefix, after);
    for (let chunkIndex = start.chunk; chunkIndex < this.#chunks.length; chunkIndex++) {
      const chunk = this.#chunks[chunkIndex] as Entry<V>[];
      for (let index = chunkIndex === start.chunk ? start.index : 0; index < chunk.length; index++) {
        const entry = chunk[index] as Entry<V>;
        if (!entry.sort.startsWith(sortPrefix)) return undefined;
        yield entry.value;
      }
    }
    return undefined;
  }

  /** How many values `range` would yield. */
  count(prefix: string, after?: string): number {
    const sortPrefix = sortKey(prefix);
    const start = this.#rangeStart(sortPrefix, after);
    const end = this.#firstAtOrAfter(({ sort }) => sort > sortPrefix && !sort.startsWith(sortPrefix));
    return Math.max(0, this.#rank(end) - this.#rank(start));
  }

  #rangeStart(sortPrefix: string, after: string | undefined): { chunk: number; index: number } {
    const sortAfter = after === undefined ? undefined : sortKey(after);
    if (sortAfter === undefined || sortAfter < sortPrefix)
      return this.#firstAtOrAfter(({ sort }) => sort >= sortPrefix);
    return this.#firstAtOrAfter(({ sort }) => sort > sortAfter);
  }

  #rank(position: { chunk: number; index: number }): number {
    let rank = position.index;
    for (let chunkIndex = 0; chunkIndex < position.chunk; chunkIndex++)
      rank += (this.#chunks[chunkIndex] as Entry<V>[]).length;
    return rank;
  }

  /** Binary search for the first entry that `reached` holds for; once true it must stay true. */
  #firstAtOrAfter(reached: (entry: Entry<V>) => boolean): { chunk: number; index: number } {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle] as Entry<V>[];
      if (reached(chunk[chunk.length - 1] as Entry<V>)) high = middle;
      else low = middle + 1;
    }
    const chunk = this.#chunks[low];
    if (chunk === undefined) return { chunk: low, index: 0 };
    let first = 0;
    let last = chunk.length;
    while (first < last) {
      const middle = (first + last) >> 1;
      if (reached(chunk[middle] as Entry<V>)) last = middle;
      else first = middle + 1;
    }
    return { chunk: low, index: first };
  }
}

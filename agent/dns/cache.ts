import type { Clock } from '../../lib/clock/clock.js';
import {
  CACHE_BYTES_MAX,
  CACHE_ENTRIES_MAX,
  CACHE_NEGATIVE_SECONDS_MAX,
  CACHE_POSITIVE_SECONDS_MAX,
} from './limits.js';
import type { UpstreamAnswer } from './message.js';
import { RCODE } from './records.js';

export interface CachedAnswer {
  bytes: Buffer;
  answer: UpstreamAnswer;
  storedMs: number;
  expiresMs: number;
}

/** Upstream answers as they came, the least recently used going first when there are too many. */
export class AnswerCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, CachedAnswer>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): CachedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresMs <= this.#clock.now()) {
      this.#bytes -= entry.bytes.length;
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, bytes: Buffer, answer: UpstreamAnswer): void {
    const { keepSeconds, rcode, truncated } = answer;
    if (keepSeconds === undefined || truncated) return;
    const isNegative = rcode !== RCODE.NOERROR || answer.answers.length === 0;
    const seconds = Math.min(keepSeconds, isNegative ? CACHE_NEGATIVE_SECONDS_MAX : CACHE_POSITIVE_SECONDS_MAX);
    if (seconds <= 0) return;
    this.#remove(key);
    const storedMs = this.#clock.now();
    this.#entries.set(key, { bytes, answer, storedMs, expiresMs: storedMs + seconds * 1000 });
    this.#bytes += bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= CACHE_ENTRIES_MAX && this.#bytes <= CACHE_BYTES_MAX) break;
      this.#remove(oldest);
    }
  }

  /** The bytes of an entry with the times to live that are left of it. */
  aged({ bytes, answer, storedMs }: CachedAnswer): Buffer {
    const ageSeconds = Math.floor((this.#clock.now() - storedMs) / 1000);
    const copy = Buffer.from(bytes);
    for (const offset of answer.ttlOffsets) {
      copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(offset) - ageSeconds), offset);
    }
    return copy;
  }

  #remove(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes.length ?? 0;
    this.#entries.delete(key);
  }
}

import type { ContainerLogOptions } from '../../lib/api/log-options.js';
import type { LogLine } from '../runtime/runtime.js';

/** What of a log's lines. */
export type LogSelection = Omit<ContainerLogOptions, 'follow' | 'previous'>;

/** The chosen lines of what is there, then what `further`, which begins anew, has after them. */
export async function* formatLog(
  present: AsyncIterable<LogLine>,
  further: AsyncIterable<LogLine> | undefined,
  options: LogSelection,
  nowMs: number,
): AsyncGenerator<Uint8Array> {
  const sinceMs = Math.max(
    options.sinceSeconds === undefined ? -Infinity : nowMs - options.sinceSeconds * 1000,
    options.sinceTime === undefined ? -Infinity : Date.parse(options.sinceTime),
  );
  let left = options.limitBytes ?? Infinity;
  const format = ({ timeMs, time, text, isPartial }: LogLine): Uint8Array => {
    const prefix = options.timestamps ? `${time ?? new Date(timeMs).toISOString()} ` : '';
    const bytes = Buffer.from(`${prefix}${text}${isPartial ? '' : '\n'}`).subarray(0, left);
    left -= bytes.length;
    return bytes;
  };
  let seen = 0;
  const tail = options.tailLines === undefined ? undefined : new Tail(options.tailLines);
  for await (const line of present) {
    seen++;
    if (line.timeMs < sinceMs) continue;
    if (tail !== undefined) tail.add(line);
    else if (left > 0) yield format(line);
    else return;
  }
  for (const line of tail?.lines() ?? []) if (left > 0) yield format(line);
  if (further === undefined) return;
  for await (const line of further) {
    if (seen-- > 0 || line.timeMs < sinceMs) continue;
    if (left <= 0) return;
    yield format(line);
  }
}

/** The last lines of many, in as much memory as they take. */
class Tail {
  readonly #max: number;
  #kept: LogLine[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  add(line: LogLine): void {
    this.#kept.push(line);
    if (this.#kept.length > 2 * this.#max + 1_000) this.#kept = this.lines();
  }

  lines(): LogLine[] {
    return this.#max === 0 ? [] : this.#kept.slice(-this.#max);
  }
}

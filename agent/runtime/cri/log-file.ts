import { open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { sleep, type Clock } from '../../../lib/clock/clock.js';
import type { LogLine } from '../runtime.js';
import { LOG_LINE_MAX_BYTES, LOG_POLL_MS } from './limits.js';

const CHUNK_BYTES = 64 * 1024;
const NEW_LINE = 0x0a;

export interface LogFollow {
  clock: Clock;
  signal: AbortSignal;
  /** Asked when the end is reached: false when the container will write no more. */
  isLive(): Promise<boolean>;
}

/** The files of a container's log, oldest first: those that were rotated away, and the one that is written. */
export async function logFiles(file: string): Promise<string[]> {
  const folder = path.dirname(file);
  const base = path.basename(file);
  const entries = await readdir(folder).catch(() => []);
  const rotated = entries.filter((one) => one.startsWith(`${base}.`)).sort();
  return [...rotated.map((one) => path.join(folder, one)), file];
}

/** The lines of a log in the CRI format (`TIME STREAM TAGS TEXT`), rotated files first; with `follow`, further ones as they come. */
export async function* readLog(file: string, follow?: LogFollow): AsyncGenerator<LogLine> {
  const files = await logFiles(file);
  for (const one of files.slice(0, -1)) yield* readFile(one);
  yield* followFile(file, follow);
}

async function* readFile(file: string): AsyncGenerator<LogLine> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    const lines = new LineReader(handle);
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) yield parseLine(line);
  } finally {
    await handle.close();
  }
}

async function* followFile(file: string, follow: LogFollow | undefined): AsyncGenerator<LogLine> {
  let handle = await open(file, 'r').catch(() => undefined);
  let lines = handle === undefined ? undefined : new LineReader(handle);
  let isLast = false;
  try {
    for (;;) {
      for (let line = await lines?.next(); line !== undefined; line = await lines?.next()) yield parseLine(line);
      if (follow === undefined || follow.signal.aborted || isLast) return;
      const next = await reopened(file, handle);
      if (next !== undefined) {
        // What was written to the old file after we looked at its end.
        for (let line = await lines?.next(); line !== undefined; line = await lines?.next()) yield parseLine(line);
        await handle?.close();
        handle = next;
        lines = new LineReader(next);
        continue;
      }
      // What it wrote before it ended is read once more.
      isLast = !(await follow.isLive());
      if (!isLast) await sleep(follow.clock, LOG_POLL_MS, follow.signal);
    }
  } finally {
    await handle?.close();
  }
}

/** The file that took the place of the one we have open, or undefined as long as it is the same. */
async function reopened(file: string, handle: FileHandle | undefined): Promise<FileHandle | undefined> {
  const next = await open(file, 'r').catch(() => undefined);
  if (next === undefined) return undefined;
  if (handle !== undefined && (await next.stat()).ino === (await handle.stat()).ino) {
    await next.close();
    return undefined;
  }
  return next;
}

/** Whole lines of a file that grows. The beginning of a line that has no end yet is kept for the next call. */
class LineReader {
  readonly #handle: FileHandle;
  #rest = Buffer.alloc(0);

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(NEW_LINE);
      const size = end < 0 && this.#rest.length >= LOG_LINE_MAX_BYTES ? this.#rest.length : end;
      if (size >= 0) {
        const line = this.#rest.subarray(0, size);
        this.#rest = this.#rest.subarray(end < 0 ? size : size + 1);
        return line;
      }
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await this.#handle.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return undefined;
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
    }
  }
}

/** `2026-11-21T11:15:00.123456789Z stdout F text` */
function parseLine(line: Buffer): LogLine {
  const text = line.toString('utf8');
  const match = /^(\S+) (?:stdout|stderr) (\S+) ?/.exec(text);
  if (match === null) return { timeMs: 0, text };
  const [prefix, time = '', tags = ''] = match;
  const isPartial = tags.split(':').includes('P');
  return { timeMs: Date.parse(time), text: text.slice(prefix.length), time, ...(isPartial ? { isPartial } : {}) };
}

import { ApiError } from '../api/errors.js';
import type { KubernetesObject, Status } from '../api/meta.js';

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

const NEWLINE = 0x0a;

/** Parses a stream of one JSON event a line. Throws an `ApiError` for an ERROR event. */
export async function* readWatch<T extends KubernetesObject>(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<WatchEvent<T>> {
  let rest: Buffer | undefined;
  for await (const chunk of chunks) {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (rest !== undefined) bytes = Buffer.concat([rest, bytes]);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      if (end > start) yield parseEvent<T>(bytes.toString('utf8', start, end));
      start = end + 1;
    }
    rest = start < bytes.length ? bytes.subarray(start) : undefined;
  }
}

function parseEvent<T>(line: string): WatchEvent<T> {
  const event = JSON.parse(line) as { type: string; object: unknown };
  if (event.type === 'ERROR') throw new ApiError(event.object as Status);
  return event as WatchEvent<T>;
}

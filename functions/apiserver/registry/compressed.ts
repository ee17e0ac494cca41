import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { GZIP_LEVEL, GZIP_MIN_BYTES, GZIP_PIECE_BYTES } from './limits.js';
import { isStreamed, type ApiRequest, type ApiResponse } from './request.js';

/**
 * A large answer of a client that takes gzip, compressed while it is sent: what is compressed already and not yet sent is bounded by the
 * stream's buffers. Others are left as they are, which costs a comparison.
 */
export function compressed(request: ApiRequest, response: ApiResponse): ApiResponse {
  const { body, headers, status } = response;
  if (body === undefined || isStreamed(body) || status !== 200 || request.method !== 'GET') return response;
  const pieces = body instanceof Uint8Array ? [body] : body;
  if (sizeOf(pieces) <= GZIP_MIN_BYTES || headers['content-encoding'] !== undefined) return response;
  if (!acceptsGzip(request.header('accept-encoding'))) return response;
  return {
    status,
    headers: { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
    body: gzipped(pieces),
  };
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  let size = 0;
  for (const piece of pieces) size += piece.byteLength;
  return size;
}

function acceptsGzip(header: string | undefined): boolean {
  return (header ?? '')
    .split(',')
    .some((clause) => /^\s*gzip\s*(;|$)/i.test(clause) && !/;\s*q=0(\.0*)?\s*$/.test(clause));
}

async function* gzipped(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: GZIP_PIECE_BYTES });
  const fed = feed(gzip, pieces);
  // A failure is thrown where the output is read.
  fed.catch(() => undefined);
  try {
    for await (const chunk of gzip) yield chunk as Uint8Array;
    await fed;
  } finally {
    gzip.destroy();
  }
}

/** In pieces of some size, since each costs a round trip to another thread. */
async function feed(gzip: ReturnType<typeof createGzip>, pieces: readonly Uint8Array[]): Promise<void> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    size += piece.byteLength;
    if (size < GZIP_PIECE_BYTES) continue;
    const isFull = !gzip.write(waiting.length === 1 ? piece : Buffer.concat(waiting));
    waiting = [];
    size = 0;
    if (isFull) await Promise.race([once(gzip, 'drain'), once(gzip, 'close')]);
    if (gzip.destroyed) return;
  }
  gzip.end(Buffer.concat(waiting));
}

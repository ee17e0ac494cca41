import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { requestEntityTooLarge, tooManyRequests, type ApiError } from '../../lib/api/errors.js';
import { CATCH_UP_PARAMETER } from '../../lib/client/client.js';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import { isStreamed, type ApiRequest, type ApiResponse, type ResponseBody } from '../apiserver/registry/request.js';
import { errorResponse } from '../apiserver/registry/respond.js';
import { toApiError } from '../apiserver/registry/store-errors.js';
import type { Metrics } from './metrics.js';
import { checkEvent, toApiRequest } from './url-request.js';
import type { WatchBudget } from './watch-budget.js';

/** What Lambda gives a function to stream its answer with. */
export interface ResponseStream {
  write(chunk: Uint8Array): boolean;
  end(): void;
  once(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
  off(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
  readonly destroyed?: boolean;
}

export type StreamHead = {
  statusCode: number;
  headers: Record<string, string>;
};

export interface UrlHostOptions {
  handle: (request: ApiRequest) => Promise<ApiResponse>;
  budget: Pick<WatchBudget, 'take'>;
  clock: Clock;
  metrics: Metrics;
}

/** A function's answer has at most 6 MB, of which base64 takes a third. */
const BUFFERED_MAX_BYTES = 4_400_000;

/**
 * Where an answer cannot be streamed, a watch ends when it has told something, or after this; its client asks again from there. Long enough
 * not to be asked all the time, short of what clients wait for headers.
 */
const BUFFERED_WATCH_SECONDS = 5;
/** One that begins with what is there ends with a bookmark soon after that: the next one waits for changes. */
const BUFFERED_OBJECTS_SECONDS = 1;
/** The watch ends itself by then, with a bookmark where its client takes one; one that does not is cut off. */
const BUFFERED_WATCH_MAX_MS = (BUFFERED_WATCH_SECONDS + 1) * 1_000;
/** What comes in so short a time after the first events goes with them. */
const BUFFERED_WATCH_QUIET_MS = 50;

/** What a client that gets no place for its watch is asked to wait. */
const RETRY_AFTER_SECONDS = 5;

/** The API server behind a function URL. */
export class UrlHost {
  readonly #options: UrlHostOptions;

  constructor(options: UrlHostOptions) {
    this.#options = options;
  }

  /** Answers as it goes. `open` begins the answer: HttpResponseStream.from. A client that has left is noticed when Lambda says so, else not. */
  async stream(event: unknown, open: (head: StreamHead) => ResponseStream): Promise<void> {
    const client = new AbortController();
    const { response, isHead } = await this.#answer(event, client);
    const stream = open({ statusCode: response.status, headers: headersOf(response) });
    const leave = (): void => client.abort();
    stream.once('close', leave);
    stream.once('error', leave);
    try {
      if (isHead) return;
      for await (const chunk of chunksOf(response.body)) {
        if (client.signal.aborted) break;
        if (!stream.write(chunk)) await drained(stream);
      }
    } finally {
      client.abort();
      stream.end();
      this.#options.metrics.flush();
    }
  }

  /** Answers in one piece, for runtimes and emulators that cannot stream. */
  async buffer(event: unknown): Promise<APIGatewayProxyStructuredResultV2> {
    const client = new AbortController();
    try {
      let isWhole = false;
      const { response, isHead } = await this.#answer(event, client, (request) => {
        isWhole = beginsWithObjects(request);
        return endingSoon(request);
      });
      const bytes = isHead ? Buffer.alloc(0) : await this.#collect(response.body, client, isWhole);
      const fits = bytes.byteLength <= BUFFERED_MAX_BYTES;
      const sent = fits ? response : errorResponse(tooLargeAnswer());
      const body = fits ? bytes : Buffer.concat(await all(chunksOf(sent.body)));
      return {
        statusCode: sent.status,
        headers: headersOf(sent),
        body: body.toString('base64'),
        isBase64Encoded: true,
      };
    } finally {
      client.abort();
      this.#options.metrics.flush();
    }
  }

  async #answer(
    event: unknown,
    client: AbortController,
    changed: (request: ApiRequest) => ApiRequest = (request) => request,
  ): Promise<{ response: ApiResponse; isHead: boolean }> {
    const { handle, clock, metrics } = this.#options;
    const startMs = clock.now();
    try {
      const request = changed(toApiRequest(checkEvent(event), client.signal));
      const response = await this.#budgeted(request, await handle(request), client);
      metrics.count('Requests');
      metrics.duration('Latency', clock.now() - startMs);
      if (response.status >= 500) metrics.count('ServerErrors');
      return { response, isHead: request.method === 'HEAD' };
    } catch (error) {
      return { response: errorResponse(toApiError(error, undefined, '', '')), isHead: false };
    }
  }

  /** Answers that go on need a place. */
  async #budgeted(request: ApiRequest, response: ApiResponse, client: AbortController): Promise<ApiResponse> {
    const { body } = response;
    if (!isStreamed(body) || request.query.includes(CATCH_UP_PARAMETER)) return response;
    const giveBack = await this.#options.budget.take();
    if (giveBack !== undefined) return { ...response, body: withEnd(body, giveBack) };
    // Nobody has begun to read it: it ends as when its client leaves.
    client.abort();
    return errorResponse(
      tooManyRequests('too many watches are open in this cluster, please try again later', RETRY_AFTER_SECONDS),
    );
  }

  /** What a body has to say soon; `isWhole`: all of it. */
  async #collect(body: ResponseBody, client: AbortController, isWhole: boolean): Promise<Buffer> {
    if (!isStreamed(body)) return Buffer.concat(await all(chunksOf(body)));
    const { clock } = this.#options;
    const iterator = body[Symbol.asyncIterator]();
    const chunks: Uint8Array[] = [];
    let size = 0;
    let isOver = false;
    const endMs = clock.now() + BUFFERED_WATCH_MAX_MS;
    while (!isOver && size <= BUFFERED_MAX_BYTES) {
      const restMs = chunks.length > 0 && !isWhole ? BUFFERED_WATCH_QUIET_MS : endMs - clock.now();
      const stop = new AbortController();
      const next = iterator.next();
      const first = await Promise.race([next, sleep(clock, Math.max(1, restMs), stop.signal)]);
      stop.abort();
      if (first === undefined || first.done === true) {
        isOver = true;
        // A body that waits for events ends when its client leaves.
        client.abort();
        await next.catch(() => undefined);
      } else {
        chunks.push(first.value);
        size += first.value.byteLength;
      }
    }
    client.abort();
    await iterator.return?.().catch(() => undefined);
    return Buffer.concat(chunks);
  }
}

/** A watch that tells what is there before what changes. */
function beginsWithObjects({ query }: ApiRequest): boolean {
  return ['true', '1'].includes(new URLSearchParams(query).get('sendInitialEvents') ?? '');
}

/**
 * A watch as short as its answer has to be. Clients take one that has ended without a word for an error, and come back later and later: at its
 * end there is a bookmark.
 */
function endingSoon(request: ApiRequest): ApiRequest {
  const query = new URLSearchParams(request.query);
  if (!['true', '1'].includes(query.get('watch') ?? '') || query.has(CATCH_UP_PARAMETER)) return request;
  const seconds = beginsWithObjects(request) ? BUFFERED_OBJECTS_SECONDS : BUFFERED_WATCH_SECONDS;
  const asked = Number(query.get('timeoutSeconds') ?? 0);
  if (asked > 0 && asked <= seconds) return request;
  query.set('timeoutSeconds', String(seconds));
  return { ...request, query: query.toString() };
}

/** Lambda says how the body is framed; several values of one header are one, with commas. */
function headersOf(response: ApiResponse): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (name === 'transfer-encoding' || name === 'connection' || name === 'content-length') continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function* chunksOf(body: ResponseBody): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}

async function* withEnd(
  body: AsyncIterable<Uint8Array>,
  end: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } finally {
    await end();
  }
}

function drained(stream: ResponseStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
    stream.once('error', done);
    if (stream.destroyed === true) done();
  });
}

function tooLargeAnswer(): ApiError {
  return requestEntityTooLarge(
    'the answer is larger than a function may give at once: ask for less with limit and continue',
  );
}

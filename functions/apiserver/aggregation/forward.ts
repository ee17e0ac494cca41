import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { serviceUnavailable } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { REQUEST_BODY_MAX_BYTES } from '../registry/limits.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { WebhookCallError } from '../webhooks/errors.js';
import { connectionFault } from '../webhooks/http-words.js';
import {
  identityHeaders,
  isAvailable,
  targetOf,
  type AggregationOptions,
  type ApiService,
} from './extension-servers.js';
import { PROXY_HEAD_TIMEOUT_MS } from './limits.js';

/** Belong to one connection alone (RFC 9110, 7.6.1), or to the way in. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a transport that cannot list its headers may have set. */
const USUAL_HEADERS = ['accept', 'accept-encoding', 'content-type', 'if-none-match', 'user-agent'];

/** Passes a request on to the extension API server that answers it, and its answer back as it comes. Throws 503 where there is none. */
export async function forward(
  service: ApiService,
  request: ApiRequest,
  user: UserInfo,
  options: AggregationOptions & { clock: Clock },
): Promise<ApiResponse> {
  if (!isAvailable(service)) throw serviceUnavailable('the server is currently unable to handle the request');
  const body = await request.body(REQUEST_BODY_MAX_BYTES);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const cancel = options.clock.setTimer(PROXY_HEAD_TIMEOUT_MS, end);
  request.signal.addEventListener('abort', end, { once: true });
  const { method } = request;
  try {
    const target = await targetOf(service, options);
    const answer = await options.connector.request(target, {
      method,
      path: request.query === '' ? request.path : `${request.path}?${request.query}`,
      headers: { ...requestHeaders(request), ...identityHeaders(user) },
      ...(body.byteLength === 0 ? {} : { body }),
      signal: ended.signal,
    });
    return {
      status: answer.statusCode ?? 502,
      headers: responseHeaders(answer.headers),
      body: method === 'HEAD' ? undefined : chunksOf(answer, request.signal, end),
    };
  } catch (error) {
    request.signal.removeEventListener('abort', end);
    const why = error instanceof WebhookCallError ? error.message : connectionFault(error).text;
    throw serviceUnavailable(
      `error trying to reach service: ${ended.signal.aborted ? 'context deadline exceeded' : why}`,
    );
  } finally {
    cancel();
  }
}

function requestHeaders(request: ApiRequest): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name of request.headerNames?.() ?? USUAL_HEADERS) {
    const lower = name.toLowerCase();
    // Who asks is said by us alone, whatever the client claims.
    if (NOT_FORWARDED.has(lower) || lower.startsWith('x-remote-') || lower.startsWith('impersonate-')) continue;
    const value = request.header(lower);
    if (value !== undefined) headers[lower] = value;
  }
  return headers;
}

function responseHeaders(given: IncomingHttpHeaders): ApiResponse['headers'] {
  const headers: ApiResponse['headers'] = {};
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !NOT_FORWARDED.has(name)) headers[name] = value;
  }
  return headers;
}

/** The answer's bytes; a server that breaks off ends the answer, and a client that goes ends the connection. */
async function* chunksOf(
  answer: IncomingMessage,
  signal: AbortSignal,
  onAbort: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    answer.destroy();
  }
}

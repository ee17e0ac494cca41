import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { serviceUnavailable } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { joinStreams } from '../../../lib/net/join-streams.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { REQUEST_BODY_MAX_BYTES } from '../registry/limits.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { OF_THE_UPGRADE, requestHead, type UpgradeRequest } from '../streams/upgrade-relay.js';
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
  if (!isAvailable(service)) throw serviceUnavailable(UNAVAILABLE);
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
    throw unreachable(error, ended.signal);
  } finally {
    cancel();
  }
}

/** Hands an upgrade on to the extension API server, and then only carries bytes. Throws 503 before anything has been answered. */
export async function forwardUpgrade(
  service: ApiService,
  request: ApiRequest,
  { incoming, socket, head }: UpgradeRequest,
  to: AggregationOptions & { clock: Clock; user: UserInfo },
): Promise<void> {
  if (!isAvailable(service)) throw serviceUnavailable(UNAVAILABLE);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const cancel = to.clock.setTimer(PROXY_HEAD_TIMEOUT_MS, end);
  request.signal.addEventListener('abort', end, { once: true });
  try {
    const target = await targetOf(service, to);
    const other = await to.connector.connect(target, ended.signal);
    other.on('error', () => socket.destroy());
    const path = request.query === '' ? request.path : `${request.path}?${request.query}`;
    const forwarded = (name: string): boolean => OF_THE_UPGRADE.test(name) || isForwarded(name);
    other.write(
      requestHead(incoming, { target: path, host: target.authority, forwarded, added: identityHeaders(to.user) }),
    );
    if (head.byteLength > 0) other.write(head);
    joinStreams(socket, other);
  } catch (error) {
    throw unreachable(error, ended.signal);
  } finally {
    cancel();
    request.signal.removeEventListener('abort', end);
  }
}

const UNAVAILABLE = 'the server is currently unable to handle the request';

function unreachable(error: unknown, signal: AbortSignal): Error {
  const why = error instanceof WebhookCallError ? error.message : connectionFault(error).text;
  return serviceUnavailable(`error trying to reach service: ${signal.aborted ? 'context deadline exceeded' : why}`);
}

/** Who asks is said by us alone, whatever the client claims. */
function isForwarded(name: string): boolean {
  return !NOT_FORWARDED.has(name) && !name.startsWith('x-remote-') && !name.startsWith('impersonate-');
}

function requestHeaders(request: ApiRequest): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name of request.headerNames?.() ?? USUAL_HEADERS) {
    const lower = name.toLowerCase();
    if (!isForwarded(lower)) continue;
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

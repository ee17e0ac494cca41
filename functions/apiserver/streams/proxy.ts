import http from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { isApiError, serviceUnavailable } from '../../../lib/api/errors.js';
import { admitBody } from '../registry/admit.js';
import { connectionOf } from '../registry/connection.js';
import type { Call, Registry } from '../registry/context.js';
import { NoStreamsError } from '../registry/node-connection.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { dialKubelet, noStreams } from './dial.js';
import { proxyTarget, type ProxyTarget } from './proxy-target.js';

/** A request's body is held while it is sent on. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** Of one connection (RFC 9110, section 7.6.1), or ours to set, or the client's secret. */
export const NOT_FORWARDED =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|authorization|cookie2|impersonate-.*|x-forwarded-.*)$/;
const NOT_RETURNED = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

/** A request of any method to what stands behind a pod, service or node. Throws ApiErrors. */
export async function handleProxy(registry: Registry, call: Call): Promise<ApiResponse> {
  const connection = connectionOf(call);
  if (connection !== undefined) await admitBody(registry, call, { operation: 'CONNECT', ...connection, dryRun: false });
  const { request, path } = call;
  const rest = restOf(call);
  // Links that the other side writes relative to its root work only with the slash.
  if (rest === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    const query = request.query === '' ? '' : `?${request.query}`;
    return { status: 301, headers: { location: `${request.path}/${query}` }, body: undefined };
  }
  const target = await proxyTarget(registry, call.resource.plural, path.namespace, path.name);
  const connected = await connect(registry, target, request.signal);
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const body = hasBody ? await request.body(BODY_MAX_BYTES) : undefined;
  const answer = await send(connected, request, {
    path: `${rest === '' ? '/' : rest}${request.query === '' ? '' : `?${request.query}`}`,
    headers: { ...forwardedHeaders(request), host: hostOf(target) },
    body,
  });
  return toResponse(answer, call);
}

/** A connection to the target on which HTTP/1.1 is spoken. */
export async function connect(registry: Registry, target: ProxyTarget, signal: AbortSignal): Promise<Duplex> {
  if (target.kubelet) return dialKubelet(registry, 'proxy', target.node, signal);
  const { nodeConnection } = registry;
  if (nodeConnection?.dialPod === undefined) throw noStreams(registry, 'proxy');
  const { node, host, port, scheme } = target;
  try {
    const socket = await nodeConnection.dialPod({ node, host, port }, signal);
    // The certificate of a pod is its own affair, as for kube-apiserver: the caller knows no more of it than its port.
    return scheme === 'https' ? tls.connect({ socket, rejectUnauthorized: false }) : socket;
  } catch (error) {
    if (isApiError(error)) throw error;
    if (error instanceof NoStreamsError) throw noStreams(registry, 'proxy', error.message);
    throw unreachable(error);
  }
}

export function hostOf({ host, port }: ProxyTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What follows `proxy` in the path as it was sent, trailing slash included; '' when nothing does. */
export function restOf({ request, path }: Call): string {
  const segments = request.path.split('/');
  const after = segments.indexOf('proxy', path.namespace === '' ? 5 : 7) + 1;
  return segments.length > after ? `/${segments.slice(after).join('/')}` : '';
}

function send(
  connection: Duplex,
  request: ApiRequest,
  options: { path: string; headers: OutgoingHttpHeaders; body: Uint8Array | undefined },
): Promise<IncomingMessage> {
  const { path, headers, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      createConnection: () => connection,
      method: request.method,
      path,
      headers: {
        ...headers,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-length': body.byteLength }),
      },
      signal: request.signal,
    });
    outgoing.on('error', (error) => reject(unreachable(error)));
    outgoing.on('response', resolve);
    outgoing.end(body);
  });
}

function unreachable(error: unknown): Error {
  return serviceUnavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
}

function forwardedHeaders(request: ApiRequest): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'x-forwarded-uri': request.path, 'x-forwarded-proto': 'https' };
  const host = request.header('host');
  if (host !== undefined) headers['x-forwarded-host'] = host;
  for (const name of request.headerNames?.() ?? []) {
    if (!NOT_FORWARDED.test(name)) headers[name] = request.header(name);
  }
  return headers;
}

function toResponse(answer: IncomingMessage, call: Call): ApiResponse {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !NOT_RETURNED.test(name)) headers[name] = value;
  }
  const { location } = answer.headers;
  if (location?.startsWith('/') === true && !location.startsWith('//')) {
    const own = call.request.path.slice(0, call.request.path.length - restOf(call).length);
    headers['location'] = `${own}${location}`;
  }
  return { status: answer.statusCode ?? 502, headers, body: answer as AsyncIterable<Uint8Array> };
}

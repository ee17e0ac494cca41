import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { ApiError, badRequest, pathNotFound } from '../../../lib/api/errors.js';
import type { Verb } from '../resources/kind.js';
import type { Call, Registry } from './context.js';
import { admitCall } from './dispatch.js';
import type { RequestHandler } from './handler.js';
import { WEBSOCKET_BACKLOG_MAX_BYTES } from './limits.js';
import { parsePath, type ResourcePath } from './path.js';
import type { ApiRequest, ApiResponse, Peer } from './request.js';
import { openWatch } from './watch.js';
import { relayUpgrade } from '../streams/upgrade-relay.js';

/** Browsers cannot set headers on a WebSocket, so the token may come as a subprotocol. */
const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';
const BINARY_PROTOCOL = 'binary.k8s.io';
const BASE64_PROTOCOL = 'base64.binary.k8s.io';
/** A client of a watch has nothing to say. */
const CLIENT_MESSAGE_MAX_BYTES = 4 * 1024;

/** WebSocket requests: watches, one event per message. The same chain as for every other request, before the handshake. */
export class WebSockets {
  readonly #registry: Registry;
  readonly #handler: RequestHandler;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: CLIENT_MESSAGE_MAX_BYTES,
    handleProtocols: (offered) =>
      [...offered].find((one) => one === BINARY_PROTOCOL || one === BASE64_PROTOCOL) ?? false,
  });

  constructor(registry: Registry, handler: RequestHandler) {
    this.#registry = registry;
    this.#handler = handler;
  }

  /** Takes over the socket. Never throws; a refusal is answered as a Status on the plain connection. */
  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer | undefined): Promise<void> {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    socket.on('error', onClose);
    socket.once('close', onClose);
    const request = toApiRequest(incoming, gone.signal, peer);
    const path = pathOf(request);
    try {
      if (path === undefined) throw pathNotFound();
      const user = await this.#handler.identify(request);
      const query = new URLSearchParams(request.query);
      const notes = { warnings: new Set<string>(), annotations: new Map<string, string>() };
      const admitted = await admitCall(this.#registry, request, { path, query, user, ...notes });
      if (admitted === undefined) {
        const { group, version } = path;
        const upgrade = { incoming, socket, head };
        const isPassedOn = await this.#registry.aggregation?.upgrade(request, upgrade, { group, version, user });
        if (isPassedOn !== true) throw pathNotFound();
        return;
      }
      if (path.subresource !== '') {
        await relayUpgrade(this.#registry, admitted.call, { incoming, socket, head });
        return;
      }
      const frames = await this.#watch(admitted, incoming);
      this.#server.handleUpgrade(incoming, socket, head, (client) => {
        client.on('error', onClose);
        client.once('close', onClose);
        void this.#send(client, frames, gone);
      });
    } catch (error) {
      refuse(socket, this.#handler.refuse(error, request));
    }
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  async #watch(
    { call, verb }: { call: Call; verb: Verb },
    incoming: IncomingMessage,
  ): Promise<AsyncIterable<readonly Uint8Array[]>> {
    if ((incoming.headers.upgrade ?? '').toLowerCase() !== 'websocket') {
      throw badRequest('only WebSocket upgrades are offered');
    }
    if (verb === 'watch' && call.resource.verbs.has('watch')) {
      return openWatch(this.#registry, call);
    }
    throw new ApiError({
      code: 501,
      reason: 'NotImplemented',
      message: 'only watches are offered over WebSocket',
      details: {},
    });
  }

  async #send(client: WebSocket, batches: AsyncIterable<readonly Uint8Array[]>, gone: AbortController): Promise<void> {
    try {
      for await (const frames of batches) {
        await sendAll(client, frames);
        if (gone.signal.aborted || client.bufferedAmount > WEBSOCKET_BACKLOG_MAX_BYTES) break;
      }
      client.close(1000);
    } catch (error) {
      this.#registry.log.error({ error: String(error) }, 'a watch over WebSocket failed');
      client.terminate();
    }
  }
}

/** Resolves when the last event has left for the network, or the connection has ended. */
function sendAll(client: WebSocket, frames: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    frames.forEach((frame, index) => {
      const isLast = index === frames.length - 1;
      sendEvent(client, frame, isLast ? () => resolve() : undefined);
    });
  });
}

/** One event, without its line's end, as the agreed protocol carries it. */
function sendEvent(client: WebSocket, frame: Uint8Array, sent?: () => void): void {
  const event = frame.subarray(0, frame.byteLength - 1);
  if (client.protocol === BASE64_PROTOCOL) client.send(Buffer.from(event).toString('base64'), { binary: false }, sent);
  else client.send(event, { binary: client.protocol === BINARY_PROTOCOL }, sent);
}

function pathOf(request: ApiRequest): ResourcePath | undefined {
  try {
    const path = parsePath(request.path);
    return path.resourceRequest ? path : undefined;
  } catch {
    return undefined;
  }
}

function toApiRequest(incoming: IncomingMessage, signal: AbortSignal, peer: Peer | undefined): ApiRequest {
  const url = incoming.url ?? '/';
  const question = url.indexOf('?');
  const token = tokenOf(incoming.headers['sec-websocket-protocol']);
  return {
    method: incoming.method ?? 'GET',
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? '' : url.slice(question + 1),
    header(name) {
      if (name === 'authorization' && token !== undefined) return `Bearer ${token}`;
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    headerNames: () => Object.keys(incoming.headers),
    body: async () => new Uint8Array(0),
    signal,
    peer,
  };
}

function tokenOf(protocols: string | undefined): string | undefined {
  const offered = (protocols ?? '').split(',').map((one) => one.trim());
  const carrier = offered.find((one) => one.startsWith(TOKEN_PROTOCOL));
  return carrier === undefined
    ? undefined
    : Buffer.from(carrier.slice(TOKEN_PROTOCOL.length), 'base64url').toString('utf8');
}

/** An HTTP answer on a connection whose upgrade is refused. */
function refuse(socket: Duplex, response: ApiResponse): void {
  if (socket.destroyed) return;
  const body = response.body instanceof Uint8Array ? response.body : new Uint8Array(0);
  const lines = [`HTTP/1.1 ${response.status} Refused`, 'connection: close', `content-length: ${body.byteLength}`];
  for (const [name, value] of Object.entries(response.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
  }
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]));
}

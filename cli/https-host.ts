import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isStreamed, type ApiRequest, type ApiResponse, type Peer } from '../functions/apiserver/registry/request.js';
import { listen, serverTlsOptions, type ServerTls } from '../lib/net/https-server.js';
import { Http2Sessions } from './http2-sessions.js';
import { drained, finished, joined, NO_BYTES, readBody, settled, type HostLimits } from './https-body.js';

export interface HttpsHostOptions {
  tls: ServerTls;
  handle(request: ApiRequest): Promise<ApiResponse>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void;
  /** Default: HOST_LIMITS. Tests cannot wait that long. */
  limits?: Partial<HostLimits>;
}

export const HOST_LIMITS: HostLimits = {
  handshakeMs: 15_000,
  headersMs: 15_000,
  requestMs: 60_000,
  keepAliveMs: 120_000,
  stallMs: 60_000,
  lingerMs: 5_000,
};

/** Connections are looked at this often, or four times in the shortest limit. */
const CHECK_INTERVAL_MS = 5_000;

/** Request line and headers, as in Kubernetes: selectors are long sometimes. */
const HEADERS_MAX_BYTES = 1024 * 1024;

/** A refused body that is at most so long is read to its end and the connection kept, as Go's server does. */
const DISCARD_MAX_BYTES = 256 * 1024;

/** Bodies up to this go out in one piece with the headers: with them they fill one TLS record at most. */
const ONE_PIECE_MAX_BYTES = 15 * 1024;

/** Bodies above this go to the socket in pieces, so that a client that does not read is noticed. */
const WRITE_PIECE_BYTES = 1024 * 1024;

/** The API server behind a local HTTPS socket: turns Node's requests into the core's and back, and nothing else. */
export class HttpsHost {
  readonly #server: https.Server;
  readonly #http2: Http2Sessions;
  readonly #limits: HostLimits;
  /** The requests under way. */
  readonly #clients = new Set<Client>();
  /** The answer that each connection is working on. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  readonly #refused = new WeakSet<Duplex>();

  constructor(options: HttpsHostOptions) {
    const limits = { ...HOST_LIMITS, ...options.limits };
    this.#limits = limits;
    this.#server = https.createServer(
      {
        ...serverTlsOptions(options.tls),
        handshakeTimeout: limits.handshakeMs,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersMs / 4, limits.requestMs / 4),
        keepAliveTimeout: limits.keepAliveMs,
        maxHeaderSize: HEADERS_MAX_BYTES,
        noDelay: true,
        ALPNProtocols: ['h2', 'http/1.1'],
      },
      (request, response) => void this.#serve(options.handle, request, response),
    );
    this.#http2 = new Http2Sessions({ limits, handle: options.handle, peerOf });
    this.#divide();
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      options.upgrade(request, socket, head, peerOf(socket as TLSSocket));
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Connections whose clients asked for HTTP/2 go their own way, all others as before: upgrades are HTTP/1.1. */
  #divide(): void {
    const server = this.#server;
    const listeners = server.listeners('secureConnection') as ((this: https.Server, socket: TLSSocket) => void)[];
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') this.#http2.accept(socket);
      else for (const listener of listeners) listener.call(server, socket);
    });
  }

  /** Resolves with the port once the socket is bound (0 asks for any free one). Rejects with Node's error: EADDRINUSE, EACCES. */
  listen(port: number, address: string): Promise<number> {
    return listen(this.#server, port, address);
  }

  /** Ends open streams, then every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients) client.leave();
    this.#server.closeIdleConnections();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#server.closeAllConnections();
    this.#http2.close();
    await closed;
  }

  /** A malformed or unfinished request is the client's matter: it is told so unless an answer is on its way. */
  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    // What still comes is another error each time.
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    const answer = this.#answers.get(socket);
    const isAnswering = answer?.headersSent === true && !answer.writableFinished;
    if (!socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), this.#limits.lingerMs);
    socket.once('close', () => clearTimeout(timer));
    socket.end(`HTTP/1.1 ${refusalOf(error)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.resume();
  }

  async #serve(
    handle: (request: ApiRequest) => Promise<ApiResponse>,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    if (incoming.socket.isPaused()) readThroughStream(incoming.socket);
    const client = new Client();
    this.#clients.add(client);
    this.#answers.set(incoming.socket, outgoing);
    outgoing.on('close', () => {
      client.leave();
      this.#clients.delete(client);
    });
    try {
      const response = await handle(toApiRequest(incoming, client));
      await write({ response, outgoing, incoming, limits: this.#limits });
    } catch {
      // The core answers every failure itself: what is left is a connection that broke while we wrote.
      outgoing.destroy();
    }
  }
}

/**
 * Node stops reading from a connection whose earlier answer is still on its way when the next request comes, but what TLS has decrypted
 * already goes to its parser all the same, which fails ("Parse Error: Paused"). A listener on the stream makes Node read through the
 * stream, where what comes waits.
 */
function readThroughStream(socket: Duplex): void {
  if (socket.listeners('data').includes(ignore)) return;
  socket.on('data', ignore);
}

const ignore = (): void => undefined;

/** Who waits for an answer. The signal of its leaving is made when somebody asks for it, as streams do: it costs more than a short answer. */
class Client {
  #hasLeft = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasLeft) this.#controller.abort();
    return this.#controller.signal;
  }

  leave(): void {
    this.#hasLeft = true;
    this.#controller?.abort();
  }
}

function refusalOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout';
    default:
      return '400 Bad Request';
  }
}

function peerOf(socket: TLSSocket): Peer {
  const remoteAddress = socket.remoteAddress;
  if (!socket.authorized) return remoteAddress === undefined ? {} : { remoteAddress };
  const { subject } = socket.getPeerCertificate();
  const organizations = subject?.O as string | string[] | undefined;
  return {
    remoteAddress,
    certificate: {
      commonName: String(subject?.CN ?? ''),
      organizations: Array.isArray(organizations) ? organizations : organizations === undefined ? [] : [organizations],
    },
  };
}

const peers = new WeakMap<TLSSocket, Peer>();

function toApiRequest(incoming: IncomingMessage, client: Client): ApiRequest {
  const url = incoming.url ?? '/';
  const question = url.indexOf('?');
  const socket = incoming.socket as TLSSocket;
  // The certificate of a connection does not change, and reading it costs more than a request.
  let peer = peers.get(socket);
  if (peer === undefined) peers.set(socket, (peer = peerOf(socket)));
  return {
    method: incoming.method ?? 'GET',
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? '' : url.slice(question + 1),
    header: (name) => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    headerNames: () => Object.keys(incoming.headers),
    body: (maxBytes) => readBody(incoming, incoming.headers['content-length'], maxBytes),
    get signal() {
      return client.signal;
    },
    peer,
  };
}

interface Exchange {
  readonly response: ApiResponse;
  readonly outgoing: ServerResponse;
  readonly incoming: IncomingMessage;
  readonly limits: HostLimits;
}

async function write(exchange: Exchange): Promise<void> {
  const { response, outgoing, incoming } = exchange;
  const { body } = response;
  if (isStreamed(body)) return writeStream(exchange, body);
  const bytes = body === undefined ? NO_BYTES : body instanceof Uint8Array ? body : joined(body);
  const refusesBody = !incoming.complete && lengthOf(incoming) > DISCARD_MAX_BYTES;
  if (refusesBody) outgoing.shouldKeepAlive = false;
  outgoing.writeHead(response.status, { ...response.headers, 'content-length': bytes.byteLength });
  if (incoming.method === 'HEAD') outgoing.end();
  else await writeBytes(exchange, bytes, refusesBody);
}

async function writeStream({ response, outgoing, incoming, limits }: Exchange, body: AsyncIterable<Uint8Array>) {
  outgoing.writeHead(response.status, response.headers);
  outgoing.flushHeaders();
  if (incoming.method !== 'HEAD') {
    for await (const chunk of body) {
      if (outgoing.destroyed) break;
      if (!outgoing.write(chunk)) await drained(outgoing, limits.stallMs);
    }
  }
  outgoing.end();
}

async function writeBytes({ outgoing, incoming, limits }: Exchange, bytes: Uint8Array, refusesBody: boolean) {
  let at = 0;
  for (; bytes.byteLength - at > WRITE_PIECE_BYTES; at += WRITE_PIECE_BYTES) {
    if (!outgoing.write(bytes.subarray(at, at + WRITE_PIECE_BYTES))) await drained(outgoing, limits.stallMs);
    if (outgoing.destroyed) return;
  }
  const last = at === 0 ? bytes : bytes.subarray(at);
  if (refusesBody) {
    // Closing with bytes unread would reset the connection, and the answer might be lost with it.
    outgoing.write(last);
    await discard(incoming, limits.lingerMs);
    outgoing.end();
    return;
  }
  endWith(outgoing, last);
  if ((outgoing.socket?.writableLength ?? 0) > 0) await finished(outgoing, limits.stallMs);
}

/** Node sends a string together with the headers, but bytes behind them: for short answers one piece is cheaper. */
function endWith(outgoing: ServerResponse, bytes: Uint8Array): void {
  if (bytes.byteLength > ONE_PIECE_MAX_BYTES) outgoing.end(bytes);
  else outgoing.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), 'latin1');
}

/** How long the body of a request is at most. */
function lengthOf(incoming: IncomingMessage): number {
  const declared = incoming.headers['content-length'];
  if (declared !== undefined) return Number(declared);
  return incoming.headers['transfer-encoding'] === undefined ? 0 : Number.POSITIVE_INFINITY;
}

/** Reads on without keeping anything, until the client has sent all, has gone, or has had its time. */
function discard(incoming: IncomingMessage, withinMs: number): Promise<void> {
  const ended = settled(incoming, ['end', 'close', 'error'], withinMs, () => undefined);
  incoming.resume();
  return ended;
}

import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { requestEntityTooLarge } from '../lib/api/errors.js';
import { isStreamed, type ApiRequest, type ApiResponse, type Peer } from '../functions/apiserver/registry/request.js';

export interface HttpsHostOptions {
  /** PEM of the serving certificate and key, and of the CA whose client certificates are accepted. */
  tls: { cert: string; key: string; clientCa: string };
  handle(request: ApiRequest): Promise<ApiResponse>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void;
}

/** Time for a client to send its headers, and then its whole request. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** How long an idle kept-alive connection stays: longer than client-go's 90 s, so that clients close first. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

/** The API server behind a local HTTPS socket: turns Node's requests into the core's and back, and nothing else. */
export class HttpsHost {
  readonly #server: https.Server;
  readonly #streams = new Set<AbortController>();

  constructor(options: HttpsHostOptions) {
    this.#server = https.createServer(
      {
        cert: options.tls.cert,
        key: options.tls.key,
        ca: options.tls.clientCa,
        // Clients without a certificate may have a token; a certificate of another CA is no credential.
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        noDelay: true,
      },
      (request, response) => void this.#serve(options.handle, request, response),
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      options.upgrade(request, socket, head, peerOf(socket as TLSSocket));
    });
    // A malformed request or handshake is the client's matter; the socket is closed for us.
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Resolves with the port once the socket is bound (0 asks for any free one). Rejects with Node's error: EADDRINUSE, EACCES. */
  listen(port: number, address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, () => {
        this.#server.off('error', reject);
        const bound = this.#server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Ends open streams, then every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of this.#streams) stream.abort();
    this.#server.closeIdleConnections();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(
    handle: (request: ApiRequest) => Promise<ApiResponse>,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    this.#streams.add(gone);
    outgoing.on('close', () => {
      gone.abort();
      this.#streams.delete(gone);
    });
    try {
      const response = await handle(toApiRequest(incoming, gone.signal));
      await write(response, outgoing, incoming);
    } catch {
      // The core answers every failure itself: what is left is a connection that broke while we wrote.
      outgoing.destroy();
    }
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

function toApiRequest(incoming: IncomingMessage, signal: AbortSignal): ApiRequest {
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
    body: (maxBytes) => readBody(incoming, maxBytes),
    signal,
    peer,
  };
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): Error => requestEntityTooLarge(`Request entity too large: limit is ${maxBytes}`);
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = chunk as Uint8Array;
    size += bytes.byteLength;
    if (size > maxBytes) throw tooLarge();
    chunks.push(bytes);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

async function write(response: ApiResponse, outgoing: ServerResponse, incoming: IncomingMessage): Promise<void> {
  const { body } = response;
  // A body that was refused unread would be taken for the next request.
  if (!incoming.complete && incoming.method !== 'GET') outgoing.shouldKeepAlive = false;
  if (isStreamed(body)) {
    outgoing.writeHead(response.status, response.headers);
    outgoing.flushHeaders();
    for await (const chunk of body) {
      if (outgoing.destroyed) break;
      if (!outgoing.write(chunk)) await drained(outgoing);
    }
    outgoing.end();
    return;
  }
  const chunks = body === undefined ? [] : body instanceof Uint8Array ? [body] : body;
  let length = 0;
  for (const chunk of chunks) length += chunk.byteLength;
  outgoing.writeHead(response.status, { ...response.headers, 'content-length': length });
  if (incoming.method === 'HEAD') outgoing.end();
  else outgoing.end(chunks.length === 1 ? chunks[0] : chunks.length === 0 ? undefined : Buffer.concat(chunks, length));
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
  });
}

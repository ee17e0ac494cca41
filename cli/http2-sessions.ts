import http2, { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { isStreamed, type ApiRequest, type ApiResponse, type Peer } from '../functions/apiserver/registry/request.js';
import { readBody, settled, type HostLimits } from './https-body.js';

/** Requests of one connection at a time, watches included: as in Kubernetes. Clients wait with more, or open another connection. */
export const STREAMS_MAX = 1_000;

/** Header lists as large as over HTTP/1.1: selectors are long sometimes. */
const HEADERS_MAX_BYTES = 1024 * 1024;

/** What a client may send of a body before we have read it. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const SESSION_WINDOW_BYTES = 1024 * 1024;

/** What the streams of one connection may hold, in megabytes: what slow clients leave unread. */
const SESSION_MEMORY_MAX_MB = 64;

/** Headers that speak of a connection, which streams do not have. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } =
  http2.constants;

/** HTTP/2 for the connections whose clients asked for it in their TLS handshake. */
export class Http2Sessions {
  readonly #server: http2.Http2Server;
  readonly #limits: HostLimits;
  readonly #handle: (request: ApiRequest) => Promise<ApiResponse>;
  readonly #peerOf: (socket: TLSSocket) => Peer;
  readonly #peers = new WeakMap<ServerHttp2Session, Peer>();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: {
    limits: HostLimits;
    handle(request: ApiRequest): Promise<ApiResponse>;
    peerOf(socket: TLSSocket): Peer;
  }) {
    this.#limits = options.limits;
    this.#handle = (request) => options.handle(request);
    this.#peerOf = (socket) => options.peerOf(socket);
    this.#server = http2.createServer({
      maxSessionMemory: SESSION_MEMORY_MAX_MB,
      settings: {
        maxConcurrentStreams: STREAMS_MAX,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxHeaderListSize: HEADERS_MAX_BYTES,
      },
    });
    this.#server.on('session', (session: ServerHttp2Session) => this.#begin(session));
    this.#server.on('sessionError', () => undefined);
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      void this.#serve(stream, headers);
    });
  }

  /** Takes over a connection whose handshake is done. */
  accept(socket: TLSSocket): void {
    socket.setNoDelay(true);
    this.#server.emit('connection', socket);
  }

  /** Ends all connections with what is under way on them. */
  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #begin(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    // Reading a certificate costs more than a request, and it does not change.
    this.#peers.set(session, this.#peerOf(session.socket as TLSSocket));
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    let streams = 0;
    session.on('stream', (stream: ServerHttp2Stream) => {
      streams++;
      stream.once('close', () => streams--);
    });
    // Watches may be silent for long; a connection without any stream may not.
    session.setTimeout(this.#limits.keepAliveMs, () => {
      if (streams === 0) session.close();
    });
    session.on('error', () => session.destroy());
    session.on('close', () => this.#sessions.delete(session));
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const controller = new AbortController();
    // Streams of clients that send nothing more would stay for ever.
    const tooSlow = stream.endAfterHeaders
      ? undefined
      : setTimeout(() => stream.close(NGHTTP2_CANCEL), this.#limits.requestMs);
    stream.on('error', () => undefined);
    stream.once('end', () => clearTimeout(tooSlow));
    stream.once('close', () => {
      clearTimeout(tooSlow);
      controller.abort();
    });
    try {
      const response = await this.#handle(this.#toApiRequest(stream, headers, controller.signal));
      if (!stream.destroyed) await write(stream, headers, response, this.#limits);
    } catch {
      // The core answers every failure itself: what is left is a stream that broke while we wrote.
      stream.close(NGHTTP2_CANCEL);
    }
  }

  #toApiRequest(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, signal: AbortSignal): ApiRequest {
    const url = String(headers[HTTP2_HEADER_PATH] ?? '/');
    const question = url.indexOf('?');
    const peer = stream.session === undefined ? undefined : this.#peers.get(stream.session as ServerHttp2Session);
    return {
      method: String(headers[HTTP2_HEADER_METHOD] ?? 'GET'),
      path: question < 0 ? url : url.slice(0, question),
      query: question < 0 ? '' : url.slice(question + 1),
      header: (name) => {
        const value = headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      headerNames: () => Object.keys(headers).filter((name) => !name.startsWith(':')),
      body: (maxBytes) => readBody(stream, headers['content-length'], maxBytes),
      signal,
      ...(peer === undefined ? {} : { peer }),
    };
  }
}

async function write(
  stream: ServerHttp2Stream,
  request: IncomingHttpHeaders,
  { status, headers, body }: ApiResponse,
  limits: HostLimits,
): Promise<void> {
  const head: http2.OutgoingHttpHeaders = { [HTTP2_HEADER_STATUS]: status };
  for (const [name, value] of Object.entries(headers)) if (!CONNECTION_HEADERS.has(name)) head[name] = value;
  const pieces = body === undefined ? [] : body instanceof Uint8Array ? [body] : body;
  if (!isStreamed(pieces)) head['content-length'] = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const isHead = request[HTTP2_HEADER_METHOD] === 'HEAD';
  const giveUp = (): void => stream.close(NGHTTP2_CANCEL);
  stream.respond(head, { endStream: isHead });
  if (isHead) return;
  for await (const piece of isStreamed(pieces) ? pieces : together(pieces)) {
    if (stream.destroyed) return;
    if (!stream.write(piece)) await settled(stream, ['drain', 'close'], limits.stallMs, giveUp);
  }
  stream.end();
  if (!stream.writableFinished) await settled(stream, ['finish', 'close'], limits.stallMs, giveUp);
  // A body that was refused need not come any more.
  if (!stream.endAfterHeaders && !stream.readableEnded) stream.close(NGHTTP2_NO_ERROR);
}

/** Many small pieces, such as the items of a list, in few large ones. */
function* together(pieces: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    size += piece.byteLength;
    if (size < PIECE_BYTES) continue;
    yield waiting.length === 1 ? piece : Buffer.concat(waiting);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield waiting.length === 1 ? (waiting[0] as Uint8Array) : Buffer.concat(waiting);
}

const PIECE_BYTES = 64 * 1024;

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { textOf, type TestHost } from './api.js';

export interface RawAnswer {
  status: number;
  /** By lower-case name. */
  headers: Record<string, string>;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
  readonly json: any;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** A connection on which a test writes HTTP byte by byte, as no client library would. */
export class RawConnection {
  readonly socket: TLSSocket;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: TLSSocket, options: { paused: boolean }) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    const end = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    socket.on('close', end);
    if (options.paused) return;
    socket.on('end', end);
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  /** As the administrator, unless `anonymous`. A `paused` connection reads nothing; one that `holds` never ends by itself. */
  static open(
    host: TestHost,
    options: { anonymous?: boolean; paused?: boolean; holds?: boolean } = {},
  ): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const how: ConnectionOptions & { allowHalfOpen: boolean } = {
        host: '127.0.0.1',
        port: host.port,
        ca: host.ca,
        allowHalfOpen: options.holds === true,
        ...(options.anonymous === true ? {} : host.admin),
      };
      const socket = connectTls(how);
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        if (options.paused === true) socket.pause();
        resolve(new RawConnection(socket, { paused: options.paused === true }));
      });
    });
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Resolves when everything sent has left. Rejects when the connection ends before. */
  sendAll(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.socket.write(data, (error) => (error === null || error === undefined ? resolve() : reject(error))),
    );
  }

  /** A whole request with the headers that are needed. */
  request(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
  ): void {
    const body = Buffer.from(options.body ?? '');
    const headers: Record<string, string> = {
      host: 'localhost',
      ...(options.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(body.byteLength) }),
      ...options.headers,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.send(Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), body]));
  }

  /** The next answer; of a stream its head alone (see `line`). Rejects when the connection ends before it is whole. */
  async answer(method = 'GET'): Promise<RawAnswer> {
    const head = await this.#until((received) => {
      const end = received.indexOf(HEAD_END);
      return end < 0
        ? undefined
        : { length: end + HEAD_END.byteLength, value: received.subarray(0, end).toString('latin1') };
    });
    const [statusLine = '', ...lines] = head.split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    if (status === 100) return this.answer(method);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const hasBody = method !== 'HEAD' && status !== 304 && status !== 204;
    const text = !hasBody
      ? ''
      : headers['transfer-encoding'] === 'chunked'
        ? ''
        : textOf(headers['content-type'], await this.#bytes(Number(headers['content-length'] ?? 0)));
    return {
      status,
      headers,
      text,
      get json() {
        return JSON.parse(text);
      },
    };
  }

  /** The next line, whatever it belongs to. */
  async line(): Promise<string> {
    return this.#until((received) => {
      const end = received.indexOf('\n');
      return end < 0 ? undefined : { length: end + 1, value: received.subarray(0, end).toString('utf8').trimEnd() };
    });
  }

  /** Says that nothing more will come, and still listens. */
  halfClose(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #bytes(length: number): Promise<Buffer> {
    return this.#until((received) =>
      received.byteLength < length ? undefined : { length, value: received.subarray(0, length) },
    );
  }

  async #until<T>(read: (received: Buffer) => { length: number; value: T } | undefined): Promise<T> {
    for (;;) {
      const found = read(this.#received);
      if (found !== undefined) {
        this.#received = this.#received.subarray(found.length);
        return found.value;
      }
      if (this.#isClosed)
        throw new Error(
          `the connection ended after ${JSON.stringify(this.#received.toString('latin1').slice(0, 200))}`,
        );
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** A plain TCP connection to the same port: what sends no TLS. */
export function openTcp(host: TestHost): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port: host.port });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

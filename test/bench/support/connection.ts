import tls from 'node:tls';
import type { ClusterAccess } from './cluster-access.js';

export interface Answer {
  status: number;
  /** Headers and body. */
  bytes: number;
}

/**
 * One kept-alive HTTPS connection that costs less than the server behind it: requests are ready bytes, one at a time, and of answers only
 * the status and the end are looked for.
 */
export class Connection {
  readonly #socket: tls.TLSSocket;
  #onData: (chunk: Buffer) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static open({ host, port, ca, cert, key }: ClusterAccess): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host, port, ca, cert, key });
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('secureConnect', () => resolve(new Connection(socket)));
    });
  }

  /** Sends a whole request and resolves once its whole answer is there. */
  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let expected = -1;
      let bytes = 0;
      let head: Buffer | undefined;
      this.#fail = reject;
      this.#onData = (chunk) => {
        bytes += chunk.length;
        if (expected < 0) {
          head = head === undefined ? chunk : Buffer.concat([head, chunk]);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) return;
          const text = head.toString('latin1', 0, end);
          status = Number(text.slice(9, 12));
          expected = end + 4 + Number(/\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
        }
        if (bytes >= expected) resolve({ status, bytes });
      };
      this.#socket.write(request);
    });
  }

  /** Sends a request whose answer is a stream, and hands on what comes in, headers included. */
  stream(request: Buffer, onData: (chunk: Buffer) => void): void {
    this.#onData = onData;
    this.#socket.write(request);
  }

  close(): void {
    this.#fail = () => undefined;
    this.#socket.destroy();
  }
}

/** A request as it goes over the wire. */
export function requestBytes(method: string, path: string, body?: object): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n`;
  if (body === undefined) return Buffer.from(`${head}\r\n`);
  const text = JSON.stringify(body);
  return Buffer.from(
    `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

import { Duplex } from 'node:stream';
import type { SpdyHeaders } from './header-codec.js';

/** What a stream needs of its connection. */
export interface StreamPort {
  send(streamId: number, bytes: Uint8Array, isLast: boolean): Promise<void>;
  reset(streamId: number): void;
  /** The stream takes data again. */
  resume(streamId: number): void;
  forget(streamId: number): void;
}

/**
 * One stream of a SPDY connection: ends in both directions on their own, as a socket does. Destroyed by a reset of the peer (with a
 * SpdyError) and by the end of the connection.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  /** What it was opened with. */
  readonly headers: SpdyHeaders;
  readonly #port: StreamPort;
  #hasEnded = false;
  #isReset = false;

  constructor(id: number, headers: SpdyHeaders, port: StreamPort) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#port = port;
  }

  /** Data of the peer. False: no more until `resume` is told. */
  receive(bytes: Uint8Array): boolean {
    return this.#hasEnded || this.push(bytes);
  }

  /** The peer will send no more. */
  endReading(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
  }

  /**
   * The peer has given the stream up, or the connection has. Data that nobody has read yet still is to be: runtimes reset their streams right
   * after the last word.
   */
  fail(error: Error | undefined): void {
    this.#isReset = true;
    if (this.readableLength === 0) {
      this.destroy(error);
      return;
    }
    this.endReading();
    this.end();
  }

  override _read(): void {
    this.#port.resume(this.id);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isReset) done();
    else this.#port.send(this.id, chunk, false).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#isReset) done();
    else this.#port.send(this.id, Buffer.alloc(0), true).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isOver = this.#hasEnded && this.writableFinished;
    if (!isOver && !this.#isReset) this.#port.reset(this.id);
    this.#port.forget(this.id);
    done(error);
  }
}

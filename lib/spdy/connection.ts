import type { Duplex } from 'node:stream';
import { SpdyError } from './errors.js';
import {
  CONTROL,
  controlFrame,
  dataFrame,
  FLAG_FIN,
  FRAME_HEAD_BYTES,
  payloadLength,
  readFrame,
  type ControlFrame,
  type DataFrame,
} from './frames.js';
import { HeaderReader, HeaderWriter, type SpdyHeaders } from './header-codec.js';
import { SpdyStream } from './stream.js';

/** A data frame carries at most so much, so that streams take turns. */
const DATA_MAX_BYTES = 32 * 1024;
/** Larger frames are refused: spdystream sends what its caller writes at once, and nobody writes that much. */
const FRAME_MAX_BYTES = 4 * 1024 * 1024;
const STREAMS_MAX = 1024;
const STATUS_CANCEL = 5;
const STATUS_REFUSED = 3;

export interface SpdyOptions {
  /** Clients open streams with odd numbers, servers with even ones. */
  readonly side: 'client' | 'server';
  /** Streams that the peer opens; without it they are refused. */
  onStream?(stream: SpdyStream): void;
}

/**
 * One end of a SPDY/3.1 connection, as container runtimes and kubelets speak it for exec, attach and port-forward. There is no flow control
 * beyond that of the socket: spdystream, which those use, neither sends nor heeds window updates.
 */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #paused = new Set<number>();
  readonly #writer = new HeaderWriter();
  readonly #reader = new HeaderReader();
  #nextId: number;
  #bytes: Buffer = Buffer.alloc(0);
  #isReading = false;
  #isClosed = false;
  /** The peer has gone, after what is still to be read; with an error, when there was one. */
  #ended: { error: SpdyError | undefined } | undefined;

  /** Takes the socket over; `head` is what was read from it already. */
  constructor(socket: Duplex, head: Uint8Array, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#nextId = options.side === 'client' ? 1 : 2;
    if (head.byteLength > 0) this.#bytes = Buffer.from(head);
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.byteLength === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      void this.#read();
    });
    socket.on('error', (error) => this.#end(new SpdyError(`the connection broke: ${error.message}`)));
    socket.on('close', () => this.#end(undefined));
    socket.on('end', () => this.#end(undefined));
    void this.#read();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Opens a stream; data may be sent at once. Throws a SpdyError when the connection has ended. */
  open(headers: SpdyHeaders): SpdyStream {
    if (this.#isClosed) throw new SpdyError('the connection has ended');
    if (this.#streams.size >= STREAMS_MAX) throw new SpdyError(`more than ${STREAMS_MAX} streams`);
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#add(id, headers);
    // Stream, associated stream, priority and slot.
    const payload = Buffer.alloc(10);
    payload.writeUInt32BE(id);
    this.#socket.write(controlFrame(CONTROL.synStream, Buffer.concat([payload, this.#writer.encode(headers)])));
    return stream;
  }

  /** Ends all streams and the socket. */
  close(): void {
    this.#socket.end();
    this.#close(undefined);
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      send: (streamId, bytes, isLast) => this.#send(streamId, bytes, isLast),
      reset: (streamId) => this.#reset(streamId, STATUS_CANCEL),
      resume: (streamId) => this.#resume(streamId),
      forget: (streamId) => {
        this.#streams.delete(streamId);
        this.#resume(streamId);
      },
    });
    stream.on('error', () => undefined);
    this.#streams.set(id, stream);
    return stream;
  }

  async #send(streamId: number, bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#isClosed) throw new SpdyError('the connection has ended');
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + DATA_MAX_BYTES);
      at += piece.byteLength;
      const frame = dataFrame(streamId, piece, isLast && at >= bytes.byteLength ? FLAG_FIN : 0);
      if (!this.#socket.write(frame)) await this.#drained();
    } while (at < bytes.byteLength);
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
      if (this.#isClosed) done();
    });
  }

  #reset(streamId: number, status: number): void {
    if (this.#isClosed) return;
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(streamId);
    payload.writeUInt32BE(status, 4);
    this.#socket.write(controlFrame(CONTROL.rstStream, payload));
  }

  #resume(streamId: number): void {
    if (this.#paused.delete(streamId) && this.#paused.size === 0) this.#socket.resume();
  }

  /** One frame after the other: headers are unpacked in their order. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#isClosed) {
        const read = readFrame(this.#bytes);
        if (read === undefined) {
          if (this.#bytes.byteLength >= FRAME_HEAD_BYTES && payloadLength(this.#bytes) > FRAME_MAX_BYTES) {
            throw new SpdyError(`a frame of more than ${FRAME_MAX_BYTES} bytes`);
          }
          break;
        }
        this.#bytes = this.#bytes.subarray(read.size);
        if (read.frame.kind === 'data') this.#takeData(read.frame);
        else await this.#takeControl(read.frame);
      }
    } catch (error) {
      this.#close(error instanceof SpdyError ? error : new SpdyError(String(error)));
      this.#socket.destroy();
    } finally {
      this.#isReading = false;
      if (this.#ended !== undefined) this.#close(this.#ended.error);
    }
  }

  /** A peer that says its last word and goes is heard out: its frames may still wait for the headers before them. */
  #end(error: SpdyError | undefined): void {
    this.#ended ??= { error };
    if (!this.#isReading) this.#close(this.#ended.error);
  }

  #takeData({ streamId, flags, payload }: DataFrame): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (payload.byteLength > 0 && !stream.receive(Buffer.from(payload)) && !stream.destroyed) {
      this.#paused.add(streamId);
      this.#socket.pause();
    }
    if ((flags & FLAG_FIN) !== 0) stream.endReading();
  }

  async #takeControl({ version, type, flags, payload }: ControlFrame): Promise<void> {
    if (version !== 3) throw new SpdyError(`a frame of version ${version}`);
    switch (type) {
      case CONTROL.synStream:
        return this.#takeNewStream(payload, flags);
      case CONTROL.synReply:
      case CONTROL.headers:
        // Unpacked although nobody asks for them: the next block builds on this one.
        await this.#reader.decode(payload.subarray(4));
        if ((flags & FLAG_FIN) !== 0) this.#streams.get(streamIdOf(payload))?.endReading();
        return;
      case CONTROL.rstStream:
        this.#streams.get(streamIdOf(payload))?.fail(new SpdyError('the peer has reset the stream'));
        return;
      case CONTROL.ping: {
        const isOurs = (streamIdOf(payload) & 1) === (this.#options.side === 'client' ? 1 : 0);
        if (!isOurs) this.#socket.write(controlFrame(CONTROL.ping, payload));
        return;
      }
      default:
      // Going away, settings and windows: what is under way goes on to its end.
    }
  }

  async #takeNewStream(payload: Buffer, flags: number): Promise<void> {
    const id = streamIdOf(payload);
    const headers = await this.#reader.decode(payload.subarray(10));
    const { onStream } = this.#options;
    if (onStream === undefined || this.#streams.has(id) || this.#streams.size >= STREAMS_MAX) {
      this.#reset(id, STATUS_REFUSED);
      return;
    }
    const stream = this.#add(id, headers);
    const reply = Buffer.alloc(4);
    reply.writeUInt32BE(id);
    this.#socket.write(controlFrame(CONTROL.synReply, Buffer.concat([reply, this.#writer.encode({})])));
    if ((flags & FLAG_FIN) !== 0) stream.endReading();
    onStream(stream);
  }

  #close(error: SpdyError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reader.close();
    for (const stream of this.#streams.values()) {
      // What has come is still to be read; only the rest is lost.
      if (error === undefined) stream.endReading();
      else stream.fail(error);
    }
    this.#streams.clear();
  }
}

function streamIdOf(payload: Buffer): number {
  if (payload.byteLength < 4) throw new SpdyError('a frame ends too early');
  return payload.readUInt32BE(0) & 0x7fffffff;
}

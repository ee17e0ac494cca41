import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { badRequest, requestEntityTooLarge } from '../lib/api/errors.js';

/** How long a client may take for what it has to do. */
export interface HostLimits {
  handshakeMs: number;
  headersMs: number;
  /** Headers and body. */
  requestMs: number;
  /** How long an idle kept-alive connection stays: longer than client-go's 90 s, so that clients close first. */
  keepAliveMs: number;
  /** How long a client may leave an answer unread that waits to be sent. */
  stallMs: number;
  /** How long the rest of a refused body is still read, so that its sender gets to see the answer. */
  lingerMs: number;
}

/** The body as it comes in. The stream is left alone when it is too long: destroying it would end the connection before the answer. */
export function readBody(
  incoming: Readable,
  declaredLength: string | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  const tooLarge = (): Error => requestEntityTooLarge(`limit is ${maxBytes}`);
  const unfinished = (): Error => badRequest('the connection ended before the whole body had come');
  if (Number(declaredLength ?? 0) > maxBytes) return Promise.reject(tooLarge());
  if (incoming.readableEnded) return Promise.resolve(NO_BYTES);
  if (incoming.destroyed) return Promise.reject(unfinished());
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const settle = (then: () => void): void => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      then();
    };
    const onData = (chunk: Uint8Array): void => {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      incoming.pause();
      settle(() => reject(tooLarge()));
    };
    const onEnd = (): void => settle(() => resolve(joined(chunks)));
    const onClose = (): void => settle(() => reject(unfinished()));
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

export const NO_BYTES = new Uint8Array(0);

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/** Resolves when the socket takes more. Destroys a connection whose client reads nothing for too long. */
export function drained(outgoing: Pick<Writable, 'destroy'> & EventEmitter, stallMs: number): Promise<void> {
  return settled(outgoing, ['drain', 'close'], stallMs, () => outgoing.destroy());
}

export function finished(outgoing: Pick<Writable, 'destroy'> & EventEmitter, stallMs: number): Promise<void> {
  return settled(outgoing, ['finish', 'close'], stallMs, () => outgoing.destroy());
}

/** Resolves with the first of the events, or after `withinMs` and what is to be done then. */
export function settled(
  emitter: EventEmitter,
  events: readonly string[],
  withinMs: number,
  onTimeout: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of events) emitter.off(event, done);
      resolve();
    };
    const timer = setTimeout(() => {
      onTimeout();
      done();
    }, withinMs);
    for (const event of events) emitter.on(event, done);
  });
}

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '../../lib/clock/clock.js';
import { TCP_MESSAGE_BYTES_MAX, UPSTREAM_TIMEOUT_MS } from './limits.js';

export interface UpstreamServer {
  ip: string;
  port: number;
}

/** No (right) answer came. */
export class UpstreamError extends Error {
  readonly code = 'dns-upstream';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UpstreamError';
  }
}

/**
 * One question, one answer, from a socket of its own: its random port is what a forger has to guess besides the id.
 * @param accept whether a message is the answer; others are ignored.
 */
export function exchangeUdp(
  server: UpstreamServer,
  message: Buffer,
  accept: (answer: Buffer) => boolean,
  clock: Clock,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.ip.includes(':') ? 'udp6' : 'udp4');
    const end = (): void => {
      cancel();
      socket.close();
    };
    const fail = (error: Error): void => {
      end();
      reject(new UpstreamError(`${server.ip}: ${error.message}`, { cause: error }));
    };
    const cancel = clock.setTimer(UPSTREAM_TIMEOUT_MS, () => fail(new Error('no answer in time')));
    socket.once('error', fail);
    socket.on('message', (answer) => {
      if (!accept(answer)) return;
      end();
      resolve(answer);
    });
    // Connected, so that only this server is heard, and a refusal comes as an error at once.
    socket.connect(server.port, server.ip, () => socket.send(message));
  });
}

/** The same over TCP, for answers that do not fit into a datagram. */
export function exchangeTcp(server: UpstreamServer, message: Buffer, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.ip, port: server.port });
    let received = Buffer.alloc(0);
    const end = (): void => {
      cancel();
      socket.destroy();
    };
    const fail = (error: Error): void => {
      end();
      reject(new UpstreamError(`${server.ip} over TCP: ${error.message}`, { cause: error }));
    };
    const cancel = clock.setTimer(UPSTREAM_TIMEOUT_MS, () => fail(new Error('no answer in time')));
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('closed before an answer')));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const length = received.readUInt16BE(0);
      if (received.length < 2 + length) return;
      end();
      resolve(received.subarray(2, 2 + length));
    });
    socket.end(framed(message));
  });
}

/** With the length before it, as messages go over TCP. */
export function framed(message: Buffer): Buffer {
  if (message.length > TCP_MESSAGE_BYTES_MAX) throw new UpstreamError('a message is too long for TCP');
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  return frame;
}

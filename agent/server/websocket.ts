import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** Clients send what a terminal or a copy gives them; kubectl's messages have at most 32 KiB. */
const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;
/** So much may wait for a client before its sender does. */
const BACKLOG_MAX_BYTES = 1024 * 1024;

export function offeredProtocols(incoming: IncomingMessage): string[] {
  const header = incoming.headers['sec-websocket-protocol'] ?? '';
  return header
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Completes the handshake with one of the protocols that the client offered. */
export function accept(incoming: IncomingMessage, socket: Duplex, head: Buffer, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: MESSAGE_MAX_BYTES });
  // The library takes no name with a slash, which kubectl's port-forward has: the choice is put into the answer here.
  delete incoming.headers['sec-websocket-protocol'];
  server.on('headers', (headers) => void headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve) => server.handleUpgrade(incoming, socket, head, resolve));
}

/** Resolves when the client can take more. Rejects when it has gone. */
export function send(client: WebSocket, message: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (client.readyState !== client.OPEN) return reject(new Error('the client has gone'));
    const isBehind = client.bufferedAmount > BACKLOG_MAX_BYTES;
    client.send(message, { binary: true }, isBehind ? (error) => (error ? reject(error) : resolve()) : undefined);
    if (!isBehind) resolve();
  });
}

/** Sends each chunk behind its channel's number until the stream ends. Ends early when the client has gone. */
export async function sendChannel(client: WebSocket, channel: number, stream: Duplex): Promise<void> {
  try {
    for await (const chunk of stream) await send(client, Buffer.concat([Buffer.of(channel), chunk as Buffer]));
  } catch {
    stream.destroy();
  }
}

/** What a client sends, in order, waiting while `take` does. */
export function onMessages(client: WebSocket, take: (message: Buffer) => Promise<void>): void {
  let under = Promise.resolve();
  let waiting = 0;
  client.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
    waiting += message.byteLength;
    if (waiting > BACKLOG_MAX_BYTES) client.pause();
    under = under.then(async () => {
      try {
        await take(message);
      } catch {
        client.terminate();
      }
      waiting -= message.byteLength;
      if (waiting <= BACKLOG_MAX_BYTES) client.resume();
    });
  });
}

/** Resolves when the other end takes more, or has gone. */
export function write(stream: Duplex, bytes: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded || stream.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

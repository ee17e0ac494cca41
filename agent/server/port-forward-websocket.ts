import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { SpdyConnection } from '../../lib/spdy/connection.js';
import type { SpdyStream } from '../../lib/spdy/stream.js';
import { ServedError } from './errors.js';
import { upgradeToSpdy } from './runtime-connection.js';
import { accept, offeredProtocols, onMessages, send, sendChannel, write } from './websocket.js';

/** kubectl's way: the frames of a SPDY connection as messages of a WebSocket. */
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
/** The older way of browsers: two channels for each port, data and errors, each beginning with the port. */
const CHANNELS = 'v4.channel.k8s.io';
const SPDY_PROTOCOLS = ['portforward.k8s.io'];
const PORTS_MAX = 100;

/** Connects a WebSocket client with the ports of a pod. `ports`: those of the query, which only the older protocol has. */
export async function relayPortForward(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { url: string; ports: readonly number[] },
): Promise<void> {
  const offered = offeredProtocols(incoming);
  const protocol = [TUNNEL, CHANNELS].find((one) => offered.includes(one));
  if (protocol === undefined) {
    throw new ServedError(
      403,
      `unable to upgrade: offered protocols [${offered.join(' ')}], known are ${TUNNEL}, ${CHANNELS}`,
    );
  }
  const { ports } = options;
  if (protocol === CHANNELS && (ports.length === 0 || ports.length > PORTS_MAX || !ports.every(isPort))) {
    throw new ServedError(400, `query parameter "ports" must name 1 to ${PORTS_MAX} ports`);
  }
  const upgrade = await upgradeToSpdy(options.url, SPDY_PROTOCOLS);
  const client = await accept(incoming, socket, head, protocol);
  client.on('error', () => client.terminate());
  if (protocol === TUNNEL) return tunnel(client, upgrade.socket, upgrade.head);
  return relayChannels(client, new SpdyConnection(upgrade.socket, upgrade.head, { side: 'client' }), ports);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

async function tunnel(client: WebSocket, runtime: Duplex, head: Buffer): Promise<void> {
  client.once('close', () => runtime.destroy());
  onMessages(client, (message) => write(runtime, message));
  runtime.on('error', () => client.terminate());
  try {
    if (head.byteLength > 0) await send(client, head);
    for await (const chunk of runtime) await send(client, chunk as Buffer);
    client.close(1000);
  } catch {
    client.terminate();
  }
}

async function relayChannels(client: WebSocket, runtime: SpdyConnection, ports: readonly number[]): Promise<void> {
  client.once('close', () => runtime.close());
  const data: SpdyStream[] = [];
  const sent: Promise<void>[] = [];
  try {
    for (const [index, port] of ports.entries()) {
      const headers = { port: String(port), requestID: String(index) };
      const error = runtime.open({ streamType: 'error', ...headers });
      error.end();
      const stream = runtime.open({ streamType: 'data', ...headers });
      data.push(stream);
      for (const [channel, one] of [
        [2 * index, stream],
        [2 * index + 1, error],
      ] as const) {
        const first = Buffer.alloc(3);
        first[0] = channel;
        first.writeUInt16LE(port, 1);
        await send(client, first);
        sent.push(sendChannel(client, channel, one));
      }
    }
    onMessages(client, async (message) => {
      const channel = message[0] ?? 1;
      const stream = channel % 2 === 0 ? data[channel / 2] : undefined;
      if (stream !== undefined) await write(stream, message.subarray(1));
    });
    await Promise.all(sent);
    client.close(1000);
  } catch {
    client.terminate();
  } finally {
    runtime.close();
  }
}

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { SpdyConnection } from '../../lib/spdy/connection.js';
import type { SpdyStream } from '../../lib/spdy/stream.js';
import { ServedError } from './errors.js';
import { upgradeToSpdy } from './runtime-connection.js';
import type { ContainerStreams } from './served-node.js';
import { accept, offeredProtocols, onMessages, send, sendChannel, write } from './websocket.js';

/** Kubernetes' remote command protocols over WebSocket, the best first. The fifth can close the client's side of a channel. */
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** The remote command protocol of runtimes over SPDY: the error stream ends with a Status. */
const SPDY_PROTOCOLS = ['v4.channel.k8s.io'];

/** Connects a WebSocket client of exec or attach with the streams that the runtime speaks SPDY for. */
export async function relayRemoteCommand(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { url: string; streams: ContainerStreams },
): Promise<void> {
  const offered = offeredProtocols(incoming);
  const protocol = PROTOCOLS.find((one) => offered.includes(one));
  if (protocol === undefined) {
    throw new ServedError(
      403,
      `unable to upgrade: offered protocols [${offered.join(' ')}], known are ${PROTOCOLS.join(', ')}`,
    );
  }
  const upgrade = await upgradeToSpdy(options.url, SPDY_PROTOCOLS);
  const runtime = new SpdyConnection(upgrade.socket, upgrade.head, { side: 'client' });
  // The runtime waits for all of them, and the error stream must be there before anything can fail.
  const streams = openStreams(runtime, options.streams);
  const client = await accept(incoming, socket, head, protocol);
  client.on('error', () => client.terminate());
  client.once('close', () => runtime.close());

  onMessages(client, async (message) => {
    const channel = message[0];
    const rest = message.subarray(1);
    if (channel === CHANNEL.stdin && streams.stdin !== undefined) await write(streams.stdin, rest);
    else if (channel === CHANNEL.resize && streams.resize !== undefined) await write(streams.resize, rest);
    else if (channel === CHANNEL.close && rest[0] === CHANNEL.stdin) streams.stdin?.end();
  });

  try {
    // An empty message tells the client that it is connected.
    const first =
      streams.stdout !== undefined ? CHANNEL.stdout : streams.stderr !== undefined ? CHANNEL.stderr : CHANNEL.error;
    await send(client, Buffer.of(first));
    await Promise.all([
      streams.stdout === undefined ? undefined : sendChannel(client, CHANNEL.stdout, streams.stdout),
      streams.stderr === undefined ? undefined : sendChannel(client, CHANNEL.stderr, streams.stderr),
      sendChannel(client, CHANNEL.error, streams.error),
    ]);
    client.close(1000);
  } catch {
    client.terminate();
  } finally {
    runtime.close();
  }
}

interface Streams {
  readonly error: SpdyStream;
  readonly stdin?: SpdyStream;
  readonly stdout?: SpdyStream;
  readonly stderr?: SpdyStream;
  readonly resize?: SpdyStream;
}

function openStreams(runtime: SpdyConnection, { stdin, stdout, stderr, tty }: ContainerStreams): Streams {
  const open = (streamType: string): SpdyStream => runtime.open({ streamType });
  const error = open('error');
  return {
    error,
    ...(stdin ? { stdin: open('stdin') } : {}),
    ...(stdout ? { stdout: open('stdout') } : {}),
    ...(stderr && !tty ? { stderr: open('stderr') } : {}),
    ...(tty ? { resize: open('resize') } : {}),
  };
}

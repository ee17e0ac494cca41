import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { joinStreams } from '../../lib/net/join-streams.js';
import { upgradeToSpdy } from './runtime-connection.js';

/** A client that speaks SPDY itself is connected to the runtime as it is: nothing between them is looked at. */
export async function relaySpdy(incoming: IncomingMessage, socket: Duplex, head: Buffer, url: string): Promise<void> {
  const offered = protocolsOf(incoming);
  const upgrade = await upgradeToSpdy(url, offered);
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (upgrade.protocol !== '') lines.push(`X-Stream-Protocol-Version: ${upgrade.protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (upgrade.head.byteLength > 0) socket.write(upgrade.head);
  if (head.byteLength > 0) upgrade.socket.write(head);
  joinStreams(socket, upgrade.socket);
}

/** Clients state each protocol in a header of its own, or all in one. */
function protocolsOf(incoming: IncomingMessage): string[] {
  const header = incoming.headers['x-stream-protocol-version'] ?? [];
  const texts = Array.isArray(header) ? header : [header];
  return texts.flatMap((text) => text.split(',').map((one) => one.trim())).filter((one) => one !== '');
}

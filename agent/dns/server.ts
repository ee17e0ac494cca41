import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { NetworkError } from '../network/errors.js';
import type { Log } from '../network/log.js';
import { framed } from './exchange.js';
import { TCP_CONNECTIONS_MAX, TCP_CONNECTIONS_PER_CLIENT_MAX, TCP_IDLE_MS, TCP_PENDING_MAX } from './limits.js';
import type { Resolver } from './resolver.js';

export interface DnsServerOptions {
  resolver: Pick<Resolver, 'answer'>;
  /** Addresses of this node. */
  addresses: readonly string[];
  /** 0: any free one, the same on all addresses and for UDP and TCP. */
  port: number;
  /** Who is answered. Others hear nothing: an open resolver is a weapon in other hands. */
  isAllowed: (address: string) => boolean;
  log: Log;
}

/** How often a free port is looked for: another process may have it for TCP. */
const PORT_ATTEMPTS_MAX = 20;

/** DNS over UDP and TCP. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: Server[] = [];
  readonly #connections = new Map<Socket, string>();
  #port = 0;

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#port;
  }

  /** @throws NetworkError when an address cannot be listened on. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#listen();
        return;
      } catch (error) {
        await this.close();
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && this.#options.port === 0 && attempt < PORT_ATTEMPTS_MAX) continue;
        const where = `${this.#options.addresses.join(', ')} port ${this.#options.port}`;
        throw new NetworkError('failed', `the DNS server cannot listen on ${where}: ${String(error)}`, {
          cause: error,
        });
      }
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#udp.splice(0)) {
      socket.close();
      await once(socket, 'close');
    }
    for (const connection of this.#connections.keys()) connection.destroy();
    for (const server of this.#tcp.splice(0)) {
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
  }

  async #listen(): Promise<void> {
    this.#port = this.#options.port;
    for (const address of this.#options.addresses) {
      const socket = createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
      this.#udp.push(socket);
      socket.bind(this.#port, address);
      await once(socket, 'listening');
      this.#port = socket.address().port;
      socket.on('error', (error) => this.#options.log('warn', 'DNS over UDP failed', { error: String(error) }));
      socket.on('message', (message, from) => void this.#answerUdp(socket, message, from));
      const server = createServer((connection) => this.#accept(connection));
      this.#tcp.push(server);
      server.maxConnections = TCP_CONNECTIONS_MAX;
      server.listen({ port: this.#port, host: address, ipv6Only: true });
      await once(server, 'listening');
    }
  }

  async #answerUdp(socket: UdpSocket, message: Buffer, from: RemoteInfo): Promise<void> {
    if (!this.#options.isAllowed(from.address)) return;
    const answer = this.#options.resolver.answer(message, { address: from.address, transport: 'udp' });
    const bytes = answer instanceof Promise ? await answer : answer;
    // A datagram that cannot be sent is a lost one; the socket may be closed by now.
    if (bytes !== undefined && this.#udp.includes(socket)) socket.send(bytes, from.port, from.address, () => undefined);
  }

  #accept(connection: Socket): void {
    const address = (connection.remoteAddress ?? '').replace(/^::ffff:/, '');
    const count = [...this.#connections.values()].filter((one) => one === address).length;
    if (count >= TCP_CONNECTIONS_PER_CLIENT_MAX || !this.#options.isAllowed(address)) {
      connection.destroy();
      return;
    }
    this.#connections.set(connection, address);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('error', () => connection.destroy());
    connection.setTimeout(TCP_IDLE_MS, () => connection.destroy());
    void new TcpClient(connection, address, this.#options.resolver).serve();
  }
}

/** One connection: messages with their length before them, answered as they get ready. */
class TcpClient {
  readonly #connection: Socket;
  readonly #address: string;
  readonly #resolver: Pick<Resolver, 'answer'>;
  #pending = 0;
  #proceed: () => void = () => undefined;

  constructor(connection: Socket, address: string, resolver: Pick<Resolver, 'answer'>) {
    this.#connection = connection;
    this.#address = address;
    this.#resolver = resolver;
    for (const event of ['drain', 'close']) connection.on(event, () => this.#proceed());
  }

  async serve(): Promise<void> {
    let received: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of this.#connection as AsyncIterable<Buffer>) {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0);
          void this.#answer(received.subarray(2, end));
          received = received.subarray(end);
          // Who asks faster than it reads waits.
          if (this.#pending >= TCP_PENDING_MAX || this.#connection.writableNeedDrain) await this.#room();
        }
      }
    } catch {
      // The client went away in the middle.
      this.#connection.destroy();
    }
  }

  async #answer(message: Buffer): Promise<void> {
    this.#pending++;
    const bytes = await this.#resolver.answer(message, { address: this.#address, transport: 'tcp' });
    this.#pending--;
    if (bytes !== undefined && this.#connection.writable) this.#connection.write(framed(bytes));
    this.#proceed();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => (this.#proceed = resolve));
  }
}

import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { listen, serverTlsOptions, type ServerTls } from '../../lib/net/https-server.js';
import { accessOf, routeOf, type Route } from './routes.js';
import type { CallerGate } from './caller-gate.js';
import { ServedError } from './errors.js';
import { relayPortForward } from './port-forward-websocket.js';
import { relayRemoteCommand } from './remote-command-websocket.js';
import type { PodName, ServedNode, StreamingRuntime } from './served-node.js';
import { METRICS_TYPE, resourceMetrics } from './resource-metrics.js';
import { relaySpdy } from './spdy-relay.js';
import { statsSummary } from './stats-summary.js';

export interface AgentServerOptions {
  readonly tls: ServerTls;
  readonly gate: CallerGate;
  readonly node: ServedNode;
  /** Absent where containers cannot be connected to. */
  readonly runtime: StreamingRuntime | undefined;
  log(message: string, data: Record<string, unknown>): void;
}

/** Logs, commands and forwarded ports at one time. */
const STREAMS_MAX_COUNT = 256;
const HEADERS_MS = 15_000;
const REQUEST_MS = 60_000;
const HANDSHAKE_MS = 15_000;

/** The agent's own HTTPS server: what a kubelet answers to the API server. */
export class AgentServer {
  readonly #options: AgentServerOptions;
  readonly #server: https.Server;
  readonly #upgraded = new Set<Duplex>();
  #streams = 0;

  constructor(options: AgentServerOptions) {
    this.#options = options;
    this.#server = https.createServer(
      {
        ...serverTlsOptions(options.tls),
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
      },
      (incoming, outgoing) => void this.#serve(incoming, outgoing),
    );
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      void this.#upgrade(incoming, socket, head);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Resolves with the port once the socket is bound (0 asks for any free one). Rejects with Node's error: EADDRINUSE, EACCES. */
  listen(port: number, address: string): Promise<number> {
    return listen(this.#server, port, address);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const route = await this.#admit(incoming);
      await this.#answer(route, incoming, outgoing);
    } catch (error) {
      const { status, message } = this.#refusal(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
    }
  }

  async #admit(incoming: IncomingMessage): Promise<Route> {
    // Whether the caller may comes first: nobody else learns what there is.
    const route = parse(incoming.url ?? '/');
    if (!(route instanceof ServedError) && route.kind === 'healthz') return route;
    const access =
      route instanceof ServedError
        ? { verb: incoming.method === 'GET' ? 'get' : 'create', subresource: 'proxy' }
        : accessOf(route);
    await this.#options.gate.admit(incoming, access);
    if (route instanceof ServedError) throw route;
    return route;
  }

  async #answer(route: Route, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { node } = this.#options;
    if (route.kind === 'exec' || route.kind === 'attach' || route.kind === 'portForward') {
      throw new ServedError(400, 'unable to upgrade: missing upgrade headers in request');
    }
    if (incoming.method !== 'GET') throw new ServedError(405, 'Method Not Allowed');
    switch (route.kind) {
      case 'healthz':
        outgoing.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
        return;
      case 'pods':
        json(outgoing, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: node.pods() });
        return;
      case 'stats':
        if (node.usage === undefined) throw noStatistics();
        json(outgoing, statsSummary(await node.usage.withRates()));
        return;
      case 'resourceMetrics':
        if (node.usage === undefined) throw noStatistics();
        outgoing.writeHead(200, { 'content-type': METRICS_TYPE }).end(resourceMetrics(await node.usage.measure()));
        return;
      case 'logs':
        await this.#counted(async () => {
          const gone = new AbortController();
          outgoing.once('close', () => gone.abort());
          const log = await node.logs(route.pod, route.container, route.options, gone.signal);
          outgoing.writeHead(200, { 'content-type': 'text/plain' });
          outgoing.flushHeaders();
          for await (const chunk of log) {
            if (outgoing.destroyed) break;
            if (!outgoing.write(chunk)) await drained(outgoing);
          }
          outgoing.end();
        });
    }
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    try {
      const route = await this.#admit(incoming);
      await this.#counted(() => this.#relay(route, incoming, socket, head));
    } catch (error) {
      const { status, message } = this.#refusal(error);
      const body = Buffer.from(message);
      const headers = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${body.byteLength}\r\nconnection: close`;
      if (!socket.destroyed)
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Refused\r\n${headers}\r\n\r\n`), body]));
    }
  }

  /** Resolves when the connection has ended. */
  async #relay(route: Route, incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (route.kind !== 'exec' && route.kind !== 'attach' && route.kind !== 'portForward') {
      throw new ServedError(400, 'nothing to upgrade to here');
    }
    const url = await this.#urlOf(route);
    const protocol = (incoming.headers.upgrade ?? '').toLowerCase();
    const ended = new Promise<void>((resolve) => socket.once('close', resolve));
    if (protocol === 'spdy/3.1') await relaySpdy(incoming, socket, head, url);
    else if (protocol !== 'websocket') throw new ServedError(400, `unable to upgrade to ${JSON.stringify(protocol)}`);
    else if (route.kind === 'portForward') await relayPortForward(incoming, socket, head, { url, ports: route.ports });
    else await relayRemoteCommand(incoming, socket, head, { url, streams: route.streams });
    await ended;
  }

  async #urlOf(route: Route & { kind: 'exec' | 'attach' | 'portForward' }): Promise<string> {
    const { node, runtime } = this.#options;
    if (runtime === undefined) throw new ServedError(501, 'the container runtime has no streams');
    if (route.kind === 'portForward') {
      const sandbox = await node.findSandbox(route.pod);
      if (sandbox === undefined) throw noPod(route.pod);
      return runtime.portForward(sandbox);
    }
    const container = await node.findContainer(route.pod, route.container);
    if (container === undefined) {
      throw new ServedError(404, `container not found (${JSON.stringify(route.container)})`);
    }
    return route.kind === 'exec'
      ? runtime.exec(container, route.command, route.streams)
      : runtime.attach(container, route.streams);
  }

  async #counted(stream: () => Promise<void>): Promise<void> {
    if (this.#streams >= STREAMS_MAX_COUNT)
      throw new ServedError(429, `more than ${STREAMS_MAX_COUNT} streams at one time`);
    this.#streams++;
    try {
      await stream();
    } finally {
      this.#streams--;
    }
  }

  #refusal(error: unknown): { status: number; message: string } {
    if (error instanceof ServedError) return error;
    this.#options.log('a request to the agent failed', { error: String(error) });
    return { status: 500, message: error instanceof Error ? error.message : 'the agent failed' };
  }
}

function parse(url: string): Route | ServedError {
  const [path, query] = url.split('?', 2) as [string, string?];
  try {
    return routeOf(path, new URLSearchParams(query));
  } catch (error) {
    if (error instanceof ServedError) return error;
    throw error;
  }
}

function noPod({ namespace, name }: PodName): ServedError {
  return new ServedError(404, `pod does not exist: ${namespace}/${name}`);
}

function noStatistics(): ServedError {
  return new ServedError(404, 'the container runtime has no statistics');
}

function json(outgoing: ServerResponse, value: object): void {
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}

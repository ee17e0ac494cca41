import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { NoStreamsError, type NodeConnection } from '../registry/node-connection.js';
import { WebhookCallError } from './errors.js';
import { CONNECTIONS_MAX, CONNECTIONS_PER_SERVER_MAX, IDLE_CONNECTIONS_MAX } from './limits.js';
import type { ServiceAddress } from './service-resolver.js';

/** An HTTPS server that the API server calls, and how it proves who it is. */
export interface HttpsTarget {
  readonly address: ServiceAddress;
  /** The name in its certificate. */
  readonly serverName: string;
  /** Host header: `name:port`. */
  readonly authority: string;
  /** PEM. Absent: the well-known certificate authorities. */
  readonly ca?: string;
  readonly insecureSkipVerify?: boolean;
  /** PEM of a client certificate and its key. */
  readonly identity?: { readonly cert: string; readonly key: string };
}

export interface HttpsRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

/** Requests over HTTPS to webhooks and extension API servers: kept-alive connections, no redirects, no proxy. */
export class HttpsConnector {
  readonly #nodes: NodeConnection | undefined;
  /** Connections are kept apart by address, names and certificates. */
  readonly #agent = new https.Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS_PER_SERVER_MAX,
    maxTotalSockets: CONNECTIONS_MAX,
    maxFreeSockets: IDLE_CONNECTIONS_MAX,
  });

  constructor(nodes: NodeConnection | undefined) {
    this.#nodes = nodes;
  }

  /** Resolves with the head of the answer. Rejects with what Node says, or a `WebhookCallError` where a pod cannot be reached. */
  async request(target: HttpsTarget, request: HttpsRequest): Promise<IncomingMessage> {
    const { node } = target.address;
    if (node !== undefined) return send(target, request, { tunnel: await this.#dial(target.address, request.signal) });
    try {
      return await send(target, request, { agent: this.#agent });
    } catch (error) {
      // The server had closed an idle connection just then: it has not seen the request.
      if (!(error instanceof StaleConnection)) throw error;
      return send(target, request, { agent: this.#agent });
    }
  }

  /** A connection of its own, for protocols other than HTTP's; rejects as `request` does. */
  async connect(target: HttpsTarget, signal: AbortSignal): Promise<Duplex> {
    const { host, port, node } = target.address;
    const options = tlsOptionsOf(target);
    const socket =
      node === undefined
        ? tls.connect({ ...options, host, port })
        : tls.connect({ ...options, host: target.serverName, socket: await this.#dial(target.address, signal) });
    const onAbort = (): void => void socket.destroy(new Error('context canceled'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await once(socket, 'secureConnect');
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #dial({ host, port, node = '' }: ServiceAddress, signal: AbortSignal): Promise<Duplex> {
    const unreachable = (why: string): WebhookCallError =>
      new WebhookCallError(
        'unreachable',
        `dial tcp ${host}:${port}: pods cannot be reached from this API server: ${why}. A server outside the cluster can be named by its URL`,
      );
    if (this.#nodes?.dialPod === undefined) {
      throw unreachable(this.#nodes?.whyNoStreams ?? 'this API server has no connection to nodes');
    }
    try {
      return await this.#nodes.dialPod({ node, host, port }, signal);
    } catch (error) {
      if (error instanceof NoStreamsError) throw unreachable(error.message);
      throw error;
    }
  }
}

class StaleConnection extends Error {
  readonly code = 'stale';
}

function tlsOptionsOf({ serverName, ca, insecureSkipVerify = false, identity }: HttpsTarget): tls.ConnectionOptions {
  return {
    ...(isName(serverName) ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...identity,
    rejectUnauthorized: !insecureSkipVerify,
    minVersion: 'TLSv1.2',
  };
}

function send(
  target: HttpsTarget,
  request: HttpsRequest,
  way: { agent: https.Agent } | { tunnel: Duplex },
): Promise<IncomingMessage> {
  const { address, serverName } = target;
  const tlsOptions = tlsOptionsOf(target);
  return new Promise((resolve, reject) => {
    const outgoing = https.request({
      ...tlsOptions,
      ...('agent' in way
        ? { agent: way.agent }
        : { createConnection: () => tls.connect({ ...tlsOptions, host: serverName, socket: way.tunnel }) }),
      host: address.host,
      port: address.port,
      method: request.method,
      path: request.path,
      headers: { ...request.headers, host: target.authority, ...lengthOf(request) },
      signal: request.signal,
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET' && !request.signal.aborted;
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    outgoing.on('response', resolve);
    outgoing.end(request.body);
  });
}

/** Addresses are no server names, but are compared with the certificate all the same. */
function isName(host: string): boolean {
  return !/^[0-9.]+$/.test(host) && !host.includes(':');
}

function lengthOf({ body, method }: HttpsRequest): OutgoingHttpHeaders {
  if (body === undefined) return method === 'GET' || method === 'HEAD' ? {} : { 'content-length': 0 };
  return { 'content-length': body.byteLength };
}

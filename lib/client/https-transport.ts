import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { TransportError, type Transport, type TransportRequest, type TransportResponse } from './transport.js';

export interface HttpsTransportOptions {
  /** `https://127.0.0.1:6443` */
  server: string;
  /** PEM of the CA that the server's certificate must come from. Default: the public ones. */
  ca?: string;
  /** PEM of a client certificate and its key. */
  certificate?: { cert: string; key: string };
  /** A bearer token, or what gives the present one. */
  token?: string | (() => Promise<string>);
  /** Whom to act as, where the credential may. */
  impersonate?: { user: string; groups: readonly string[] };
}

/** A client's transport over HTTPS with kept-alive connections. `close` ends idle ones. */
export function httpsTransport(options: HttpsTransportOptions): Transport & { close(): void } {
  const url = new URL(options.server);
  const agent = new https.Agent({
    keepAlive: true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...options.certificate,
  });

  const { impersonate } = options;
  const always: Record<string, string | string[]> =
    impersonate === undefined
      ? {}
      : { 'impersonate-user': impersonate.user, 'impersonate-group': [...impersonate.groups] };

  async function send(request: TransportRequest): Promise<TransportResponse> {
    const token = typeof options.token === 'function' ? await options.token() : options.token;
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number | string[]> = { ...request.headers, ...always };
      if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
      if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body);
      const outgoing = https.request({
        agent,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? 443 : Number(url.port),
        method: request.method,
        path: request.path,
        headers,
        signal: request.signal,
      });
      outgoing.on('error', (cause) =>
        reject(new TransportError(`${request.method} ${request.path}: no answer from ${options.server}`, { cause })),
      );
      outgoing.on('response', (response) => resolve(wrap(response, request)));
      outgoing.end(request.body);
    });
  }

  return { send, close: () => agent.destroy() };
}

function wrap(response: IncomingMessage, request: TransportRequest): TransportResponse {
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    async bytes() {
      const chunks: Uint8Array[] = [];
      try {
        for await (const chunk of response) chunks.push(chunk as Uint8Array);
      } catch (cause) {
        throw new TransportError(`${request.method} ${request.path}: the answer broke off`, { cause });
      }
      return Buffer.concat(chunks);
    },
    async *stream() {
      try {
        for await (const chunk of response) yield chunk as Uint8Array;
      } catch (cause) {
        if (request.signal?.aborted) return;
        throw new TransportError(`${request.method} ${request.path}: the stream broke off`, { cause });
      }
    },
  };
}

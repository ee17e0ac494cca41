import type { IncomingMessage } from 'node:http';
import { Agent, request as send } from 'node:https';
import { readWatch, textOf, type Answer, type ApiClient, type TestHost } from './api.js';

/** The administrator over HTTPS, on kept-alive connections as a client library has them. */
export function httpsClient(host: TestHost): ApiClient & { close(): void } {
  const agent = new Agent({ keepAlive: true, ca: host.ca, ...host.admin });
  const open = (method: string, path: string, headers: Record<string, string>, body?: Uint8Array) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: host.port, method, path, headers, agent };
      send(options, resolve).on('error', reject).end(body);
    });
  return {
    async request(method, path, body, headers = {}) {
      const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
      const bytes = body === undefined ? undefined : Buffer.from(isRaw ? body : JSON.stringify(body));
      const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      // Node sends the bodies of deletes without a length unless it is told.
      if (bytes !== undefined) type['content-length'] = String(bytes.byteLength);
      const incoming = await open(method, path, { ...type, ...headers }, bytes);
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const text = textOf(incoming.headers['content-type'], Buffer.concat(chunks));
      const answer: Answer = {
        status: incoming.statusCode ?? 0,
        headers: incoming.headers as Answer['headers'],
        text,
        get json() {
          return JSON.parse(text);
        },
      };
      return answer;
    },
    async watch(path, headers = {}) {
      const incoming = await open('GET', path, headers);
      return readWatch(
        { status: incoming.statusCode ?? 0, headers: {}, body: incoming as AsyncIterable<Uint8Array> },
        () => incoming.destroy(),
      );
    },
    close: () => agent.destroy(),
  };
}

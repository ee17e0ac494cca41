import { Agent, request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpsHost } from '../../cli/https-host.js';
import { ClusterPki } from '../../cli/cluster-pki.js';
import { systemCode, UserError } from '../../cli/errors.js';
import { MemorySecretFiles } from '../../cli/secret-files.js';
import type { ApiRequest, ApiResponse } from '../../functions/apiserver/registry/request.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';

/** What a function may be sent. */
const REQUEST_MAX_BYTES = 6 * 1024 * 1024;

/** An answer to a wish to switch protocols comes within this. */
const UPGRADE_TIMEOUT_MS = 30_000;

/** Headers of one connection, which the other has its own of. */
const HOP_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** TLS before the URL of a function in an emulator: clients of Kubernetes send credentials over nothing else. */
export interface Front {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  close(): Promise<void>;
}

/** Serves on 127.0.0.1 and passes requests on to `target`, a URL. Throws a `UserError` when the port is taken. */
export async function openFront(options: { target: string; port: number }): Promise<Front> {
  const pki = await ClusterPki.open(new MemorySecretFiles(), { clock: systemClock, random: systemRandom() });
  const { certificate, privateKey } = await pki.server({ dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] });
  const ca = pki.authority.certificate;
  const agent = new Agent({ keepAlive: true });
  const target = new URL(options.target);
  const host = new HttpsHost({
    tls: { cert: certificate, key: privateKey, clientCa: ca },
    handle: (incoming) => forward(incoming, target, agent),
    upgrade: (incoming, socket) => void refuseUpgrade(incoming, socket, target, agent),
  });
  try {
    const port = await host.listen(options.port, '127.0.0.1');
    return {
      server: `https://127.0.0.1:${port}`,
      ca,
      async close() {
        await host.close();
        agent.destroy();
      },
    };
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error;
    throw new UserError(`port ${options.port} is taken by another program. Stop it, or choose another with --port`, {
      cause: error,
    });
  }
}

/** As on AWS, the URL of a function switches to no other protocol: it gets the request without that wish, and its answer goes back. */
async function refuseUpgrade(incoming: IncomingMessage, socket: Duplex, target: URL, agent: Agent): Promise<void> {
  const { pathname, search } = new URL(incoming.url ?? '/', target);
  try {
    const { status, headers, body } = await forward(
      {
        method: incoming.method ?? 'GET',
        path: pathname,
        query: search.slice(1),
        header: (name) => incoming.headers[name]?.toString(),
        headerNames: () => Object.keys(incoming.headers).filter((name) => !name.startsWith('sec-websocket-')),
        body: () => Promise.resolve(new Uint8Array(0)),
        signal: AbortSignal.timeout(UPGRADE_TIMEOUT_MS),
      },
      target,
      agent,
    );
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    const length = body instanceof Uint8Array ? body.byteLength : 0;
    socket.write(
      `HTTP/1.1 ${status} Answer\r\n${lines.join('')}connection: close\r\ncontent-length: ${length}\r\n\r\n`,
    );
    if (body instanceof Uint8Array) socket.write(body);
    socket.end();
  } catch {
    socket.destroy();
  }
}

async function forward(incoming: ApiRequest, target: URL, agent: Agent): Promise<ApiResponse> {
  const body = await incoming.body(REQUEST_MAX_BYTES);
  const headers: Record<string, string | number> = { 'content-length': body.byteLength };
  for (const name of incoming.headerNames?.() ?? []) {
    const value = incoming.header(name);
    if (value !== undefined && !HOP_HEADERS.has(name)) headers[name] = value;
  }
  const path = `${target.pathname.replace(/\/$/, '')}${incoming.path}${incoming.query === '' ? '' : `?${incoming.query}`}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path,
        headers,
        agent,
        signal: incoming.signal,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const kept = Object.entries(answer.headers).flatMap(([name, value]) =>
            value === undefined || HOP_HEADERS.has(name) ? [] : [[name, value] as const],
          );
          resolve({ status: answer.statusCode ?? 502, headers: Object.fromEntries(kept), body: Buffer.concat(chunks) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

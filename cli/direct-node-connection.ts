import http from 'node:http';
import net from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { ApiError, badRequest, notFoundError, serviceUnavailable } from '../lib/api/errors.js';
import type { LogOptions, NodeConnection, PodAddress } from '../functions/apiserver/registry/node-connection.js';
import { logPath } from '../functions/apiserver/streams/kubelet-path.js';
import type { Client } from '../lib/client/client.js';
import { nodes } from '../lib/client/resources.js';
import type { V1Node, V1Pod } from '../lib/schema/generated/types.js';

export interface DirectNodeConnectionOptions {
  /** Reads nodes. */
  readonly client: () => Client | undefined;
  /** PEM of the cluster's CA, and of the API server's client certificate and key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

const CONNECT_TIMEOUT_MS = 15_000;
const REFUSAL_MAX_BYTES = 16 * 1024;

/** Addresses of a node in the order in which they are tried, as kube-apiserver's default has it. */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS'];

/** The API server dials nodes and pods itself: they are in one network with it. */
export class DirectNodeConnection implements NodeConnection {
  readonly #options: DirectNodeConnectionOptions;

  constructor(options: DirectNodeConnectionOptions) {
    this.#options = options;
  }

  async logs(object: object, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const pod = object as V1Pod;
    const node = pod.spec?.nodeName ?? '';
    const socket = await this.dialKubelet(node, signal);
    const answer = await get(socket, { path: logPath(pod, options), host: node, signal });
    if (answer.statusCode === 200) return answer as AsyncIterable<Uint8Array>;
    throw await refusalOf(answer, node);
  }

  async dialKubelet(name: string, signal: AbortSignal): Promise<Duplex> {
    const node = await this.#options.client()?.find(nodes, { name });
    if (node === undefined) throw notFoundError({ group: '', resource: 'nodes' }, name);
    const { host, port } = addressOf(node, name);
    const { ca, cert, key } = this.#options.tls;
    // A node shows that it is the node of this name: addresses change hands, and its credential is made before it has one.
    const connect = (): tls.TLSSocket =>
      tls.connect({ host, port, servername: name, ca, cert, key, minVersion: 'TLSv1.2' });
    return established(connect, 'secureConnect', { host, port, signal });
  }

  dialPod({ host, port }: PodAddress, signal: AbortSignal): Promise<Duplex> {
    return established(() => net.connect({ host, port }), 'connect', { host, port, signal });
  }
}

function addressOf(node: V1Node, name: string): { host: string; port: number } {
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  const addresses = node.status?.addresses ?? [];
  const host = ADDRESS_TYPES.map((type) => addresses.find((one) => one.type === type)?.address).find(
    (address) => address !== undefined && address !== '',
  );
  if (host === undefined || port === 0) {
    throw serviceUnavailable(`node ${name} does not say where its agent listens: is zeroplane agent running there?`);
  }
  return { host, port };
}

/** Resolves once the socket is connected. Rejects with a 503 in the words of Go's dialer, which clients know. */
function established<S extends net.Socket>(
  connect: () => S,
  event: 'connect' | 'secureConnect',
  { host, port, signal }: { host: string; port: number; signal: AbortSignal },
): Promise<S> {
  return new Promise((resolve, reject) => {
    const socket = connect();
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', settle);
      if (error === undefined) return resolve(socket);
      socket.on('error', () => undefined);
      socket.destroy();
      reject(serviceUnavailable(`dial tcp ${net.isIPv6(host) ? `[${host}]` : host}:${port}: ${error.message}`));
    };
    const onAbort = (): void => settle(new Error('the client has gone'));
    const timer = setTimeout(() => settle(new Error('i/o timeout')), CONNECT_TIMEOUT_MS);
    signal.addEventListener('abort', onAbort);
    socket.once('error', settle);
    socket.once(event, () => settle(undefined));
  });
}

function get(socket: Duplex, options: { path: string; host: string; signal: AbortSignal }): Promise<IncomingMessage> {
  const { path, host, signal } = options;
  return new Promise((resolve, reject) => {
    const request = http.request({ createConnection: () => socket, path, headers: { host }, signal });
    request.on('error', (error) => reject(serviceUnavailable(`the agent of node ${host} broke off: ${error.message}`)));
    request.on('response', resolve);
    request.end();
  });
}

/** What the agent says is said on: its words are the kubelet's. */
async function refusalOf(answer: IncomingMessage, node: string): Promise<ApiError> {
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > REFUSAL_MAX_BYTES) break;
  }
  if (answer.statusCode === 400) return badRequest(text);
  if (answer.statusCode === 404) return new ApiError({ code: 404, reason: 'NotFound', message: text, details: {} });
  return serviceUnavailable(`the agent of node ${node} answers ${answer.statusCode}: ${text}`);
}

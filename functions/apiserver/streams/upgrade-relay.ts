import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, pathNotFound } from '../../../lib/api/errors.js';
import { joinStreams } from '../../../lib/net/join-streams.js';
import { admitBody } from '../registry/admit.js';
import { connectionOf } from '../registry/connection.js';
import type { Call, Registry } from '../registry/context.js';
import { boundPod, dialKubelet, noStreams } from './dial.js';
import { streamPath } from './kubelet-path.js';
import { connect, hostOf, NOT_FORWARDED, restOf } from './proxy.js';
import { proxyTarget } from './proxy-target.js';

/** What both sides agree on in an upgrade; nothing else of the client, its credentials least of all, is for the kubelet. */
export const OF_THE_UPGRADE =
  /^(?:connection|upgrade|origin|user-agent|x-stream-protocol-version|sec-websocket-(?:key|version|protocol|extensions))$/;

/** The bearer token of a browser, among the protocols it offers. */
const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

export interface UpgradeRequest {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Hands an authorised upgrade on to the kubelet of the pod's node, or to what stands behind a proxy, and then only carries bytes: what is
 * spoken, SPDY or WebSocket, is between the client and the other side. Throws ApiErrors before anything has been answered.
 */
export async function relayUpgrade(registry: Registry, call: Call, upgrade: UpgradeRequest): Promise<void> {
  const connection = connectionOf(call);
  if (connection === undefined) throw pathNotFound();
  await admitBody(registry, call, { operation: 'CONNECT', ...connection, dryRun: false });
  const { other, target, host, forwarded } =
    call.path.subresource === 'proxy' ? await toTarget(registry, call) : await toKubelet(registry, call);
  const { incoming, socket, head } = upgrade;
  other.on('error', () => socket.destroy());
  if (socket.destroyed) {
    other.destroy();
    return;
  }
  other.write(requestHead(incoming, { target, host, forwarded }));
  if (head.byteLength > 0) other.write(head);
  joinStreams(socket, other);
}

interface OtherSide {
  readonly other: Duplex;
  /** Path and query there. */
  readonly target: string;
  readonly host: string;
  /** Which of the client's headers it gets. */
  readonly forwarded: (name: string) => boolean;
}

async function toKubelet(registry: Registry, { path, query, request }: Call): Promise<OtherSide> {
  if (registry.nodeConnection?.dialKubelet === undefined) throw noStreams(registry, path.subresource);
  const pod = await boundPod(registry, path.namespace, path.name);
  const target = streamPath(path.subresource, pod, query);
  const host = pod.spec.nodeName ?? '';
  const other = await dialKubelet(registry, path.subresource, host, request.signal);
  return { other, target, host, forwarded: (name) => OF_THE_UPGRADE.test(name) };
}

async function toTarget(registry: Registry, call: Call): Promise<OtherSide> {
  const { path, request, resource } = call;
  const target = await proxyTarget(registry, resource.plural, path.namespace, path.name);
  const other = await connect(registry, target, request.signal);
  const query = request.query === '' ? '' : `?${request.query}`;
  return {
    other,
    target: `${restOf(call) || '/'}${query}`,
    host: hostOf(target),
    forwarded: (name) => OF_THE_UPGRADE.test(name) || !NOT_FORWARDED.test(name),
  };
}

/** For who asks for a stream without an upgrade. */
export function upgradeRequired(): Error {
  return badRequest('Upgrade request required');
}

/** The head of the request on the other side: what it may have of the client's headers, and `added` ones of ours. */
export function requestHead(
  incoming: IncomingMessage,
  to: Pick<OtherSide, 'target' | 'host' | 'forwarded'> & {
    added?: Readonly<Record<string, string | readonly string[]>>;
  },
): Buffer {
  const { target, host, forwarded, added = {} } = to;
  const lines = [`${incoming.method} ${target} HTTP/1.1`, `Host: ${host}`];
  for (const [name, values] of Object.entries(added)) {
    for (const value of typeof values === 'string' ? [values] : values) lines.push(`${name}: ${value}`);
  }
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    if (!forwarded(name)) continue;
    for (const value of values ?? []) {
      const kept = name === 'sec-websocket-protocol' ? withoutToken(value) : value;
      if (kept !== '') lines.push(`${name}: ${kept}`);
    }
  }
  lines.push('Content-Length: 0');
  // Node reads headers as latin1, each byte of the client's as one character.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function withoutToken(protocols: string): string {
  const offered = protocols.split(',').map((one) => one.trim());
  return offered.filter((one) => !one.startsWith(TOKEN_PROTOCOL)).join(', ');
}

import { BlockList, isIP } from 'node:net';
import { badRequest, notFoundError, serviceUnavailable } from '../../../lib/api/errors.js';
import type { V1Node, V1Pod, V1Service } from '../../../lib/schema/generated/types.js';
import type { Registry } from '../registry/context.js';
import { EndpointResolver } from '../webhooks/service-resolver.js';

/** Where a request to a `proxy` subresource goes. */
export interface ProxyTarget {
  /** The kubelet's own server, or any port of an address. */
  readonly kubelet: boolean;
  readonly scheme: 'http' | 'https';
  /** '' when it is not known. */
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

const SERVICES = { group: '', plural: 'services' };
const PODS = { group: '', plural: 'pods' };
const NODES = { group: '', plural: 'nodes' };
const SCHEMES = new Set(['', 'http', 'https']);

interface Named {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, as Kubernetes splits the name of what is proxied to. */
function split(id: string, kind: string): Named {
  const parts = id.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || !SCHEMES.has(scheme as string) || (name ?? '') === '') {
    throw badRequest(`invalid ${kind} request ${JSON.stringify(id)}`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name: name as string, port: port as string };
}

/** Throws ApiErrors: 404 for what is not there, 400 for a name that says nothing, 503 for a service that nobody stands behind. */
export function proxyTarget(registry: Registry, plural: string, namespace: string, id: string): Promise<ProxyTarget> {
  if (plural === 'nodes') return nodeTarget(registry, split(id, 'node'));
  if (plural === 'pods') return podTarget(registry, namespace, split(id, 'pod'));
  return serviceTarget(registry, namespace, split(id, 'service'));
}

async function nodeTarget(registry: Registry, { scheme, name, port }: Named): Promise<ProxyTarget> {
  const node = await registry.objects.get<V1Node & { metadata: object }>(NODES, '', name);
  if (node === undefined) throw notFoundError({ group: '', resource: 'nodes' }, name);
  const own = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  if (port === '' || Number(port) === own) return { kubelet: true, scheme: 'https', node: name, host: name, port: own };
  const host = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
  return { kubelet: false, scheme, node: name, host: checked(host, name), port: portNumber(port) };
}

async function podTarget(registry: Registry, namespace: string, { scheme, name, port }: Named): Promise<ProxyTarget> {
  const pod = await registry.objects.get<V1Pod & { metadata: object }>(PODS, namespace, name);
  if (pod === undefined) throw notFoundError({ group: '', resource: 'pods' }, name);
  const first = pod.spec?.containers.find(({ ports = [] }) => ports.length > 0)?.ports?.[0]?.containerPort;
  const chosen = port === '' ? (first ?? (scheme === 'https' ? 443 : 80)) : portNumber(port);
  const host = checked(pod.status?.podIP ?? '', name);
  return { kubelet: false, scheme, node: pod.spec?.nodeName ?? '', host, port: chosen };
}

async function serviceTarget(registry: Registry, namespace: string, asked: Named): Promise<ProxyTarget> {
  const { scheme, name, port } = asked;
  const service = await registry.objects.get<V1Service & { metadata: object }>(SERVICES, namespace, name);
  if (service === undefined) throw notFoundError({ group: '', resource: 'services' }, name);
  const ports = service.spec?.ports ?? [];
  const found =
    port === '' && ports.length === 1
      ? ports[0]
      : ports.find((one) => (one.name ?? '') === port || String(one.port) === port);
  if (found === undefined) {
    throw serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  }
  try {
    const resolver = new EndpointResolver(registry.objects, registry.random);
    const address = await resolver.resolve({ namespace, name, port: found.port });
    return { kubelet: false, scheme, node: address.node ?? '', host: checked(address.host, name), port: address.port };
  } catch (error) {
    throw serviceUnavailable(error instanceof Error ? error.message : String(error));
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw badRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}

/** The API server's own machine and its link are not for those who may proxy, in no notation: IPv4 within IPv6 is looked at as IPv4. */
const OWN = new BlockList();
OWN.addSubnet('0.0.0.0', 8, 'ipv4');
OWN.addSubnet('127.0.0.0', 8, 'ipv4');
OWN.addSubnet('169.254.0.0', 16, 'ipv4');
OWN.addSubnet('fe80::', 10, 'ipv6');
OWN.addAddress('::', 'ipv6');
OWN.addAddress('::1', 'ipv6');

/** An address that may be proxied to. Throws 400. */
export function checked(host: string, name: string): string {
  if (host === '') throw badRequest(`${name} has no address yet`);
  const family = isIP(host);
  if (family === 0 || OWN.check(host, family === 6 ? 'ipv6' : 'ipv4')) throw badRequest('address not allowed');
  return host;
}

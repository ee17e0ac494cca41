import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Client } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import {
  apiServices,
  configMaps,
  endpoints,
  endpointSlices,
  namespaces,
  priorityClasses,
  serviceCidrs,
  services,
} from '../../../lib/client/resources.js';
import { sleep, type Clock } from '../../../lib/clock/clock.js';
import { builtInApiServices } from '../aggregation/built-in-api-services.js';
import { FRONT_PROXY_NAME } from '../auth/users.js';
import { IpRange } from '../allocation/ip-range.js';
import { parseIp, type IpFamily } from '../../../lib/net/ip.js';
import { equalJson } from './json-values.js';

export interface BootstrapOptions {
  /** Of a user who may do everything. */
  readonly client: Client;
  readonly clock: Clock;
  /** Where pods reach this API server. Loopback addresses are no endpoints and are left out. */
  readonly endpoint: { readonly addresses: readonly string[]; readonly port: number };
  /** One range, or one of each family with a comma between, the primary one first. */
  readonly serviceCidr: string;
  /** What is served, for an APIService of each. */
  readonly served?: Iterable<{ readonly group: string; readonly version: string }>;
  /** What API servers behind this one must know to believe it who asks. PEM. */
  readonly authentication?: { readonly clientCa: string; readonly requestHeaderCa: string };
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const SERVICE = 'kubernetes';
const SERVICE_PORT = 443;
const LABELS = { component: 'apiserver', provider: 'kubernetes' };

const PRIORITY_CLASSES = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
];

/** Another starting server may write the same objects at the same time. */
const ATTEMPTS_MAX = 10;
const RETRY_DELAY_MS = 50;

/** Makes sure that what every cluster starts with is there. May run at each start, and by several servers at once. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { client } = options;
  const create = <T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<void> =>
    ensure(options, resource, object, undefined);
  await Promise.all(NAMESPACES.map((name) => create(namespaces, { metadata: { name } })));
  await Promise.all(PRIORITY_CLASSES.map((object) => create(priorityClasses, object)));
  const cidrs = options.serviceCidr.split(',').map((cidr) => cidr.trim());
  await create(serviceCidrs, { metadata: { name: SERVICE }, spec: { cidrs } });
  await ensureService(options, client, new IpRange(cidrs[0] as string));
  await ensureEndpoints(options);
  await ensureApiServices(options);
  await ensureAuthentication(options);
}

async function ensureApiServices(options: BootstrapOptions): Promise<void> {
  const wanted = builtInApiServices(options.served ?? []);
  if (wanted.length === 0) return;
  const { items } = await options.client.list(apiServices);
  const present = new Set(items.map(({ metadata }) => metadata?.name));
  const missing = wanted.filter(({ metadata }) => !present.has(metadata?.name));
  await Promise.all(missing.map((object) => ensure(options, apiServices, object, undefined)));
}

/** Where servers built with Kubernetes' libraries look for how requests come to them. */
async function ensureAuthentication(options: BootstrapOptions): Promise<void> {
  if (options.authentication === undefined) return;
  const { clientCa, requestHeaderCa } = options.authentication;
  const data = {
    'client-ca-file': clientCa,
    'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_NAME]),
    'requestheader-client-ca-file': requestHeaderCa,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  };
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  await ensure(options, configMaps, { metadata, data }, (present) => ({ ...present, data }));
}

async function ensureService(options: BootstrapOptions, client: Client, range: IpRange): Promise<void> {
  const port = { name: 'https', protocol: 'TCP', port: SERVICE_PORT, targetPort: options.endpoint.port };
  if ((await client.find(services, { namespace: 'default', name: SERVICE })) === undefined) {
    await ensure(
      options,
      services,
      {
        metadata: { name: SERVICE, namespace: 'default', labels: LABELS },
        spec: { type: 'ClusterIP', clusterIP: range.at(1), ports: [port], sessionAffinity: 'None' },
      },
      undefined,
    );
  }
  await ensure(options, services, { metadata: { name: SERVICE, namespace: 'default' } }, (service) => ({
    ...service,
    spec: { ...service.spec, ports: [port] },
  }));
}

async function ensureEndpoints(options: BootstrapOptions): Promise<void> {
  const { port, addresses: given } = options.endpoint;
  const addresses = given.filter((address) => !isLoopback(address));
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const subsets = addresses.length === 0 ? undefined : [{ addresses: addresses.map((ip) => ({ ip })), ports }];
  const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const wanted = { metadata: { name: SERVICE, namespace: 'default', labels: skipMirror }, subsets };
  await ensure(options, endpoints, wanted, (present) => ({ ...present, subsets }));
  for (const family of ['IPv4', 'IPv6'] as const) {
    const ofFamily = addresses.filter((address) => parseIp(address)?.family === family);
    if (ofFamily.length > 0) await ensureSlice(options, family, ofFamily);
  }
}

async function ensureSlice(options: BootstrapOptions, family: IpFamily, addresses: string[]): Promise<void> {
  const name = family === 'IPv4' ? SERVICE : `${SERVICE}-ipv6`;
  const content = {
    endpoints: [{ addresses, conditions: { ready: true } }],
    ports: [{ name: 'https', port: options.endpoint.port, protocol: 'TCP' }],
  };
  const labels = { 'kubernetes.io/service-name': SERVICE };
  await ensure(
    options,
    endpointSlices,
    { metadata: { name, namespace: 'default', labels }, addressType: family, ...content },
    (present) => ({ ...present, ...content }),
  );
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Creates the object, or brings the present one to what `change` makes of it. */
async function ensure<T extends KubernetesObject>(
  { client, clock }: BootstrapOptions,
  resource: Resource<T>,
  wanted: T,
  change: ((present: T) => T) | undefined,
): Promise<void> {
  const ref = { namespace: wanted.metadata?.namespace, name: wanted.metadata?.name ?? '' };
  for (let attempt = 1; ; attempt++) {
    try {
      const present = await client.find(resource, ref);
      if (present === undefined) await client.create(resource, wanted);
      else if (change !== undefined) {
        const changed = change(present);
        if (!equalJson(changed, present)) await client.update(resource, changed);
      }
      return;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !mayPass(error)) throw error;
      await sleep(clock, RETRY_DELAY_MS);
    }
  }
}

/** Lost a race against another server, or the store is busy: worth another look. */
function mayPass(error: unknown): boolean {
  return ['AlreadyExists', 'Conflict', 'ServiceUnavailable', 'TooManyRequests', 'Timeout'].some((reason) =>
    isApiError(error, reason),
  );
}

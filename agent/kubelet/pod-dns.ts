import type { V1Pod } from '../../lib/schema/generated/types.js';

/** What stands in a resolv.conf. */
export interface ResolverConfig {
  servers: string[];
  searches: string[];
  options: string[];
}

/** As the resolver's own limits; the kubelet drops what is beyond them. */
const SERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_LENGTH_MAX = 2048;

export function parseResolvConf(text: string): ResolverConfig {
  const config: ResolverConfig = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) config.servers.push(values[0]);
    else if (keyword === 'search') config.searches = values.filter((value) => value !== '.');
    else if (keyword === 'options') config.options = values;
  }
  return config;
}

/** The resolver's configuration of a pod, by its DNS policy. */
export function podResolver(
  pod: V1Pod,
  cluster: { dns: readonly string[]; domain: string },
  host: ResolverConfig,
): ResolverConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig } = pod.spec ?? {};
  const usesCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  const base =
    dnsPolicy === 'None'
      ? { servers: [], searches: [], options: [] }
      : usesCluster && cluster.dns.length > 0
        ? clusterResolver(pod.metadata?.namespace ?? '', cluster, host)
        : host;
  const searches = unique([...base.searches, ...(dnsConfig?.searches ?? [])]).slice(0, SEARCHES_MAX);
  while (searches.join(' ').length > SEARCH_LENGTH_MAX) searches.pop();
  return {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]).slice(0, SERVERS_MAX),
    searches,
    options: mergeOptions(base.options, dnsConfig?.options ?? []),
  };
}

function clusterResolver(
  namespace: string,
  { dns, domain }: { dns: readonly string[]; domain: string },
  host: ResolverConfig,
): ResolverConfig {
  const own = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { servers: [...dns], searches: unique([...own, ...host.searches]), options: ['ndots:5'] };
}

/** Options of the pod replace those of the same name. */
function mergeOptions(base: readonly string[], own: readonly { name?: string; value?: string }[]): string[] {
  const merged = new Map(base.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name = '', value } of own) merged.set(name, value === undefined ? name : `${name}:${value}`);
  return [...merged.values()];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

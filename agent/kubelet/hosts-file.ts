import type { V1Pod } from '../../lib/schema/generated/types.js';

const HEADER = '# Kubernetes-managed hosts file.\n';
const HEADER_HOST_NETWORK = '# Kubernetes-managed hosts file (host network).\n';

const LOCAL = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

/** `<hostname>` and, with a subdomain, `<hostname>.<subdomain>.<namespace>.svc.<domain>`. */
export function podHostname(pod: V1Pod, clusterDomain: string): { hostname: string; domain: string } {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const { hostname, hostnameOverride, subdomain } = pod.spec ?? {};
  if (hostnameOverride) return { hostname: hostnameOverride, domain: '' };
  return {
    hostname: hostname || name.slice(0, 63).replace(/[-.]+$/, ''),
    domain: subdomain ? `${subdomain}.${namespace}.svc.${clusterDomain}` : '',
  };
}

/** The hosts file of a pod's containers, as the kubelet writes it. `nodeHosts` is the machine's own. */
export function hostsFile(
  pod: V1Pod,
  options: { ips: readonly string[]; clusterDomain: string; nodeHosts: string },
): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`);
  const appended = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`;
  if (pod.spec?.hostNetwork) return HEADER_HOST_NETWORK + options.nodeHosts + appended;
  const { hostname, domain } = podHostname(pod, options.clusterDomain);
  const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`;
  return HEADER + LOCAL + options.ips.map((ip) => `${ip}\t${names}\n`).join('') + appended;
}

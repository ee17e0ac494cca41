import { ipAddresses, services } from '../../../lib/client/resources.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Checker } from './cluster-state.js';
import { nameOf } from './pods.js';

/** Reserved addresses and node ports are exactly those of the services, each once. */
export const allocationsMatchServices: Checker = (state) => {
  const ips = new Map<string, string>();
  const ports = new Map<string, string>();
  const problems: string[] = [];
  for (const service of state.of(services)) {
    const owner = `${service.metadata?.namespace}/${service.metadata?.name}`;
    for (const ip of service.spec?.clusterIPs ?? []) if (ip !== 'None') claim(ips, ip, owner, problems);
    for (const { nodePort } of service.spec?.ports ?? []) if (nodePort) claim(ports, String(nodePort), owner, problems);
  }
  const reservedIps = new Map(state.of(ipAddresses).map((ip) => [ip.metadata?.name ?? '', ip as KubernetesObject]));
  problems.push(...compare('cluster IP', ips, reservedIps), ...compare('node port', ports, state.nodePorts));
  return problems;
};

function claim(claims: Map<string, string>, value: string, owner: string, problems: string[]): void {
  const other = claims.get(value);
  if (other !== undefined) problems.push(`${value} is both ${other}'s and ${owner}'s`);
  claims.set(value, owner);
}

function compare(
  what: string,
  claims: ReadonlyMap<string, string>,
  reserved: ReadonlyMap<string, KubernetesObject>,
): string[] {
  const problems: string[] = [];
  for (const [value, owner] of claims) {
    const holder = holderOf(reserved.get(value));
    if (holder !== owner) problems.push(`${what} ${value} of Service ${owner} is reserved for ${holder ?? 'nobody'}`);
  }
  for (const [value, reservation] of reserved) {
    if (!claims.has(value))
      problems.push(`${what} ${value} is reserved and not used (${nameOf(reservation)}, for ${holderOf(reservation)})`);
  }
  return problems;
}

function holderOf(reservation: KubernetesObject | undefined): string | undefined {
  const { spec } = (reservation ?? {}) as { spec?: { parentRef?: { namespace?: string; name?: string } } };
  return spec?.parentRef === undefined ? undefined : `${spec.parentRef.namespace}/${spec.parentRef.name}`;
}

import { randomInt, type Random } from '../../lib/random.js';
import type { V1Endpoint, V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import type { ServiceTable } from '../../agent/network/service-index.js';
import type { CompileContext } from '../../agent/proxy/compile.js';

export const CONTEXT: CompileContext = {
  families: ['IPv4', 'IPv6'],
  nodeName: 'node-1',
  zone: 'a',
  nodeIps: ['192.0.2.1', 'fd00:2::1'],
  clusterCidrs: { IPv4: '10.244.0.0/16', IPv6: 'fd00:244::/32' },
};

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

/** One random change of the services: few names and addresses, so that they meet. */
export function changeSomething(random: Random, table: ServiceTable): void {
  const name = `default/s${randomInt(random, 6)}`;
  const dice = randomInt(random, 20);
  if (dice === 0) table.setService(name, undefined);
  else if (dice < 8) table.setService(name, randomService(random, name));
  else if (dice === 8) table.setSlice(`${name}-${randomInt(random, 2)}`, undefined);
  else {
    const key = `${name}-${randomInt(random, 2)}`;
    table.setSlice(key, randomSlice(random, key, name));
  }
}

function randomService(random: Random, key: string): V1Service {
  const chance = (percent: number): boolean => randomInt(random, 100) < percent;
  const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)] as T;
  const [namespace, name] = key.split('/');
  const last = 1 + randomInt(random, 4);
  const isDual = chance(40);
  const ports = Array.from({ length: 1 + randomInt(random, 2) }, (_, index) => ({
    name: `p${index}`,
    port: 80 + randomInt(random, 3),
    protocol: pick(PROTOCOLS),
    nodePort: 30_000 + randomInt(random, 5),
  }));
  return {
    metadata: { namespace, name },
    spec: {
      type: pick(['ClusterIP', 'NodePort', 'LoadBalancer', 'NodePort', 'LoadBalancer', 'ExternalName']),
      clusterIP: chance(10) ? 'None' : `10.96.0.${last}`,
      clusterIPs: isDual ? [`10.96.0.${last}`, `fd00:96::${last}`] : [`10.96.0.${last}`],
      ipFamilies: isDual ? ['IPv4', 'IPv6'] : ['IPv4'],
      ports,
      ...(chance(30) && { externalIPs: [`203.0.113.${randomInt(random, 3)}`, `10.96.0.${1 + randomInt(random, 4)}`] }),
      ...(chance(40) && { externalTrafficPolicy: 'Local' }),
      ...(chance(20) && { internalTrafficPolicy: 'Local' }),
      ...(chance(40) && {
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: pick([600, 10_800]) } },
      }),
      ...(chance(40) && {
        loadBalancerSourceRanges: pick([['10.0.0.0/8', '10.1.0.0/16', 'fd00::/8'], ['192.0.2.77/24']]),
      }),
    },
    status: { loadBalancer: { ingress: [{ ip: `198.51.100.${randomInt(random, 3)}` }] } },
  };
}

function randomSlice(random: Random, key: string, serviceKey: string): V1EndpointSlice {
  const isV6 = randomInt(random, 3) === 0;
  const prefix = isV6 ? 'fd00:244:1::' : '10.244.1.';
  const endpoints: V1Endpoint[] = Array.from({ length: randomInt(random, 5) }, () => {
    const ready = randomInt(random, 4) !== 0;
    const zones = ['a', 'b'].slice(randomInt(random, 3));
    return {
      addresses: [`${prefix}${1 + randomInt(random, 9)}`],
      nodeName: `node-${1 + randomInt(random, 2)}`,
      conditions: ready ? { ready } : { ready, serving: true, terminating: randomInt(random, 2) === 0 },
      ...(zones.length > 0 && { hints: { forZones: zones.map((name) => ({ name })) } }),
    };
  });
  const [namespace, name] = key.split('/');
  const ports = ['p0', 'p1'].flatMap((portName) =>
    PROTOCOLS.map((protocol) => ({ name: portName, protocol, port: 8080 + randomInt(random, 2) })),
  );
  const labels = { 'kubernetes.io/service-name': serviceKey.split('/')[1] ?? '' };
  return { metadata: { namespace, name, labels }, addressType: isV6 ? 'IPv6' : 'IPv4', endpoints, ports };
}

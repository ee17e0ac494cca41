import { expect, it } from 'vitest';
import type { V1PodSpec } from '../../lib/schema/generated/types.js';
import { parseResolvConf, podResolver } from './pod-dns.js';

const host = parseResolvConf('# made by hand\nnameserver 192.0.2.1\nsearch example.com .\noptions rotate timeout:1\n');

const resolver = (spec: Partial<V1PodSpec>) =>
  podResolver(
    { metadata: { namespace: 'shop' }, spec: { containers: [], ...spec } },
    { dns: ['10.96.0.10'], domain: 'cluster.local' },
    host,
  );

const CLUSTER = {
  servers: ['10.96.0.10'],
  searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.com'],
  options: ['ndots:5'],
};

it('each policy has its resolver', () => {
  expect(host).toEqual({ servers: ['192.0.2.1'], searches: ['example.com'], options: ['rotate', 'timeout:1'] });
  expect(resolver({})).toEqual(CLUSTER);
  expect(resolver({ hostNetwork: true })).toEqual(host);
  expect(resolver({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })).toEqual(CLUSTER);
  expect(resolver({ dnsPolicy: 'Default' })).toEqual(host);
  expect(resolver({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'] } })).toEqual({
    servers: ['1.1.1.1'],
    searches: [],
    options: [],
  });
});

it("the pod's own configuration is added, replaces options, and is cut to what resolvers take", () => {
  const dnsConfig = {
    nameservers: ['1.1.1.1', '1.0.0.1', '9.9.9.9', '8.8.8.8'],
    searches: ['svc.cluster.local', 'own'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  };
  expect(resolver({ dnsConfig })).toEqual({
    servers: ['10.96.0.10', '1.1.1.1', '1.0.0.1'],
    searches: [...CLUSTER.searches, 'own'],
    options: ['ndots:2', 'edns0'],
  });
});

import { describe, expect, test } from 'vitest';
import type { V1EndpointAddress, V1Pod, V1Service } from '../../../lib/schema/generated/types.js';
import { subsetsOf, truncated } from './subsets.js';

function pod(name: string, ip: string, ready: boolean, ports: [string, number][] = []): V1Pod {
  return {
    metadata: { namespace: 'default', name, uid: name },
    spec: {
      containers: [{ name: 'main', ports: ports.map(([port, containerPort]) => ({ name: port, containerPort })) }],
    },
    status: { podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

function service(ports: NonNullable<V1Service['spec']>['ports']): V1Service {
  return { metadata: { name: 'web' }, spec: { clusterIP: '10.0.0.1', ports } };
}

function shown(subsets: ReturnType<typeof subsetsOf>): unknown {
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ready: addresses.map(({ ip }) => ip),
    notReady: notReadyAddresses.map(({ ip }) => ip),
    ports: ports.map(({ name, port }) => `${name ?? ''}:${port}`),
  }));
}

describe('subsets', () => {
  test('ports of the same addresses are together, addresses sorted', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'admin', port: 81, targetPort: 8081 },
    ];
    const all = [pod('b', '10.0.0.2', true), pod('a', '10.0.0.1', true), pod('c', '10.0.0.3', false)];
    expect(shown(subsetsOf(service(ports), all))).toEqual([
      { ready: ['10.0.0.1', '10.0.0.2'], notReady: ['10.0.0.3'], ports: ['admin:8081', 'http:8080'] },
    ]);
  });

  test('a named port that pods have in different places makes subsets of its own', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'admin', port: 81, targetPort: 8081 },
    ];
    const all = [pod('a', '10.0.0.1', true, [['web', 1]]), pod('b', '10.0.0.2', true, [['web', 2]])];
    expect(shown(subsetsOf(service(ports), all))).toEqual([
      { ready: ['10.0.0.1'], notReady: [], ports: ['http:1'] },
      { ready: ['10.0.0.1', '10.0.0.2'], notReady: [], ports: ['admin:8081'] },
      { ready: ['10.0.0.2'], notReady: [], ports: ['http:2'] },
    ]);
  });
});

describe('truncation', () => {
  const addresses = (count: number): V1EndpointAddress[] =>
    Array.from({ length: count }, (_, index) => ({ ip: `10.0.${index >> 8}.${index & 255}` }));
  const sizes = (subsets: ReturnType<typeof truncated>): unknown[] => [
    subsets.isTruncated,
    ...subsets.subsets.map((one) => [one.addresses?.length ?? 0, one.notReadyAddresses?.length ?? 0]),
  ];

  test('leaves what fits alone', () => {
    expect(sizes(truncated([{ addresses: addresses(1000) }]))).toEqual([false, [1000, 0]]);
  });

  test('keeps ready addresses, in proportion', () => {
    const subsets = [{ addresses: addresses(1500), notReadyAddresses: addresses(10) }, { addresses: addresses(500) }];
    expect(sizes(truncated(subsets))).toEqual([true, [750, 0], [250, 0]]);
  });

  test('fills up with addresses that are not ready', () => {
    const subsets = [
      { addresses: addresses(600), notReadyAddresses: addresses(300) },
      { notReadyAddresses: addresses(300) },
    ];
    expect(sizes(truncated(subsets))).toEqual([true, [600, 200], [0, 200]]);
  });
});

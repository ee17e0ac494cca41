import { describe, expect, test } from 'vitest';
import { compileService, type CompileContext } from './compile.js';
import { stateOf, type Fragment } from './ruleset.js';
import type { V1Endpoint, V1EndpointSlice, V1Service, V1ServiceSpec } from '../../lib/schema/generated/types.js';

const CONTEXT: CompileContext = {
  families: ['IPv4', 'IPv6'],
  nodeName: 'node-1',
  zone: 'a',
  nodeIps: ['192.0.2.1'],
  clusterCidrs: { IPv4: '10.244.0.0/16' },
};

function service(spec: V1ServiceSpec, metadata: V1Service['metadata'] = {}): V1Service {
  const base: V1ServiceSpec = { type: 'ClusterIP', clusterIP: '10.96.0.5', ports: [{ port: 80 }] };
  return { metadata: { name: 'web', namespace: 'ns', ...metadata }, spec: { ...base, ...spec } };
}

function slice(...endpoints: (string | V1Endpoint)[]): V1EndpointSlice {
  const all = endpoints.map((one) => (typeof one === 'string' ? { addresses: [one] } : one));
  return { addressType: 'IPv4', endpoints: all, ports: [{ port: 8080 }] };
}

function compile(spec: V1ServiceSpec, ...slices: V1EndpointSlice[]): Fragment | undefined {
  return compileService(service(spec), slices, CONTEXT).fragments.IPv4;
}

/** What each address or port is answered with. */
function verdicts(fragment: Fragment | undefined): Record<string, string> {
  const elements = [...(fragment?.claims.values() ?? [])].map(({ element }) => element).filter(({ value }) => value);
  return Object.fromEntries(elements.map(({ container, key, value }) => [`${container} ${key}`, value]));
}

const SVC = 'svc-ns/web/tcp/';

test('a cluster IP leads to its endpoints by one rule, whatever their number', () => {
  const fragment = compile({}, slice('10.244.0.1', '10.244.0.2'), slice('10.244.0.2', '10.244.0.3'));
  expect(verdicts(fragment)).toEqual({ 'service-ips 10.96.0.5 . tcp . 80': `goto ${SVC}` });
  expect(fragment?.chains.get(SVC)).toEqual([
    'ip saddr != 10.244.0.0/16 jump masquerade-later',
    'meta l4proto tcp dnat ip to numgen random mod 3 map { 0 : 10.244.0.1 . 8080, 1 : 10.244.0.2 . 8080, 2 : 10.244.0.3 . 8080 }',
  ]);
});

test('headless services, external names and services of other proxies are left alone', () => {
  expect(compile({ clusterIP: 'None' }, slice('10.244.0.1'))).toBeUndefined();
  expect(compile({ type: 'ExternalName', clusterIP: undefined, externalName: 'x.example.com' })).toBeUndefined();
  const labels = { 'service.kubernetes.io/service-proxy-name': 'other' };
  expect(compileService(service({}, { labels }), [slice('10.244.0.1')], CONTEXT).fragments).toEqual({});
});

test('a node port without a service that wants it is not programmed', () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  const of = (type: string): string[] => Object.keys(verdicts(compile({ type, ports }, slice('10.244.0.1'))));
  expect(of('ClusterIP')).toEqual(['service-ips 10.96.0.5 . tcp . 80']);
  expect(of('NodePort')).toContain('node-ports tcp . 30080');
  expect(verdicts(compile({ type: 'NodePort', ports }))).toEqual({
    'refused-ips 10.96.0.5 . tcp . 80': 'goto refuse',
    'refused-ports tcp . 30080': 'goto refuse',
  });
});

describe('who asks for an address that is taken', () => {
  const stateOfBoth = (first: V1Service, second: V1Service): Map<string, string> => {
    const fragments = [first, second].map((one) => compileService(one, [slice('10.244.0.1')], CONTEXT).fragments.IPv4);
    const byOwner = new Map(fragments.map((fragment, index) => [String(index), fragment as Fragment]));
    const elements = [...stateOf(byOwner).elements.values()];
    return new Map(elements.map(({ key, value }) => [key, value]));
  };

  test('an external IP does not take traffic of a cluster IP, whoever comes first', () => {
    const victim = service({}, { name: 'victim' });
    const thief = service({ clusterIP: '10.96.0.6', externalIPs: ['10.96.0.5'] }, { name: 'a-thief' });
    for (const [first, second] of [
      [victim, thief],
      [thief, victim],
    ] as const) {
      expect(stateOfBoth(first, second).get('10.96.0.5 . tcp . 80')).toBe('goto svc-ns/victim/tcp/');
    }
  });

  test('nor when that has no endpoints', () => {
    const victim = compileService(service({}, { name: 'victim' }), [], CONTEXT).fragments.IPv4 as Fragment;
    const thief = service({ clusterIP: '10.96.0.6', externalIPs: ['10.96.0.5'] }, { name: 'a-thief' });
    const other = compileService(thief, [slice('10.244.0.1')], CONTEXT).fragments.IPv4 as Fragment;
    const state = stateOf(
      new Map([
        ['t', other],
        ['v', victim],
      ]),
    );
    expect(state.elements.has('service-ips 10.96.0.5 . tcp . 80')).toBe(false);
    expect(state.elements.has('refused-ips 10.96.0.5 . tcp . 80')).toBe(true);
  });
});

test('nothing that is no name, address or number gets into rules', () => {
  const evil = 'x; flush ruleset';
  expect(compileService(service({}, { name: evil }), [slice('10.244.0.1')], CONTEXT).fragments).toEqual({});
  const spec: V1ServiceSpec = {
    clusterIP: '10.96.0.5',
    externalIPs: [evil, '203.0.113.1 }'],
    loadBalancerSourceRanges: [evil],
    type: 'LoadBalancer',
    ports: [{ port: 80, name: evil }, { port: 81, protocol: evil }, { port: 1e9 }, { port: 82, name: 'ok' }],
  };
  const slices: V1EndpointSlice[] = [
    {
      addressType: 'IPv4',
      endpoints: [{ addresses: [evil] }, { addresses: ['10.244.0.1'] }],
      ports: [{ port: 1, name: 'ok' }],
    },
  ];
  const text = JSON.stringify([...(compile(spec, ...slices)?.chains ?? []), verdicts(compile(spec, ...slices))]);
  expect(text).not.toContain('flush');
  expect(text).toContain('10.244.0.1');
  expect(verdicts(compile(spec, ...slices))).toEqual({ 'service-ips 10.96.0.5 . tcp . 82': 'goto svc-ns/web/tcp/ok' });
});

describe('the choice of endpoints', () => {
  const chosen = (...endpoints: V1Endpoint[]): string[] => {
    const rules = compile({}, slice(...endpoints))?.chains.get(SVC) ?? [];
    return [...(rules.at(-1) ?? '').matchAll(/10\.244\.0\.\d/g)].map(([ip]) => ip);
  };
  const at = (last: number, more: Partial<V1Endpoint> = {}): V1Endpoint => ({
    addresses: [`10.244.0.${last}`],
    ...more,
  });
  const zones = (...names: string[]): Partial<V1Endpoint> => ({ hints: { forZones: names.map((name) => ({ name })) } });
  const onNode = (name: string): Partial<V1Endpoint> => ({
    hints: { forNodes: [{ name }], forZones: [{ name: 'a' }] },
  });

  test('hints at zones and nodes count when all have them and one is for us', () => {
    expect(chosen(at(1, zones('a')), at(2, zones('a', 'b')), at(3, zones('b')))).toEqual(['10.244.0.1', '10.244.0.2']);
    expect(chosen(at(1, zones('a')), at(2))).toHaveLength(2);
    expect(chosen(at(1, zones('b')), at(2, zones('c')))).toHaveLength(2);
    expect(chosen(at(1, onNode('node-1')), at(2, onNode('node-2')))).toEqual(['10.244.0.1']);
    expect(chosen(at(1, onNode('node-3')), at(2, onNode('node-2')))).toHaveLength(2);
  });

  test('what is not ready is left out; what ends and still serves is the last resort', () => {
    const ending = { conditions: { ready: false, serving: true, terminating: true } };
    const failing = { conditions: { ready: false, serving: true, terminating: false } };
    expect(chosen(at(1), at(2, ending), at(3, failing))).toEqual(['10.244.0.1']);
    expect(chosen(at(2, ending), at(3, failing))).toEqual(['10.244.0.2']);
    expect(chosen(at(3, failing))).toEqual([]);
  });
});

test('a load balancer that sees its traffic itself is not passed by', () => {
  const lb = service({ type: 'LoadBalancer' });
  lb.status = { loadBalancer: { ingress: [{ ip: '203.0.113.9', ipMode: 'Proxy' }, { ip: '203.0.113.8' }] } };
  const fragment = compileService(lb, [slice('10.244.0.1')], CONTEXT).fragments.IPv4;
  expect(Object.keys(verdicts(fragment))).toEqual([
    'service-ips 10.96.0.5 . tcp . 80',
    'service-ips 203.0.113.8 . tcp . 80',
  ]);
});

test('health is asked for where a load balancer has to know which nodes have endpoints', () => {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 };
  const here = { addresses: ['10.244.0.1'], nodeName: 'node-1' };
  expect(compileService(service(spec), [slice(here, '10.244.0.2')], CONTEXT).health).toEqual({
    port: 31000,
    localEndpoints: 1,
  });
  expect(compileService(service({ ...spec, externalTrafficPolicy: 'Cluster' }), [], CONTEXT).health).toBeUndefined();
});

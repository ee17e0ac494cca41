import { describe, expect, test } from 'vitest';
import type { V1Service, V1ServiceSpec } from '../../../../../lib/schema/generated/types.js';
import { kindTester } from '../../testing/kind-tester.js';
import { service } from './service.js';

const tester = kindTester<V1Service>(service);

function serviceOf(spec: object = {}, more: object = {}): V1Service {
  return { metadata: { name: 'web', namespace: 'default' }, spec: { ports: [{ port: 80 }], ...spec }, ...more };
}

const errorsOf = (spec: object): string[] => tester.createErrors(serviceOf(spec));

/** As stored, with what the server allocates. */
function stored(spec: object): V1Service {
  return tester.decode(
    serviceOf({
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ...spec,
    }),
  );
}

describe('defaults', () => {
  test('of a plain service', () => {
    expect(tester.create(serviceOf()).spec).toEqual({
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
      internalTrafficPolicy: 'Cluster',
    });
  });

  test('of a load balancer', () => {
    expect(tester.create(serviceOf({ type: 'LoadBalancer', sessionAffinity: 'ClientIP' })).spec).toMatchObject({
      externalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    });
  });

  test('a headless service fills its list of addresses', () => {
    expect(tester.create(serviceOf({ clusterIP: 'None' })).spec?.clusterIPs).toEqual(['None']);
  });
});

describe('validation', () => {
  test('ports', () => {
    expect(errorsOf({ ports: [] })).toEqual(['spec.ports: Required value']);
    expect(errorsOf({ ports: [], clusterIP: 'None' })).toEqual([]);
    expect(errorsOf({ ports: [{ port: 80 }, { port: 81, name: 'b' }] })).toEqual([
      'spec.ports[0].name: Required value',
    ]);
    expect(errorsOf({ ports: [{ port: 0 }] })).toEqual([
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ]);
    expect(
      errorsOf({
        ports: [
          { name: 'a', port: 80 },
          { name: 'a', port: 80 },
        ],
      }),
    ).toEqual([
      'spec.ports[1].name: Duplicate value: "a"',
      'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
    ]);
    expect(errorsOf({ ports: [{ port: 80, nodePort: 30000 }] })).toEqual([
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ]);
  });

  test('types', () => {
    expect(errorsOf({ type: 'Nope' })).toContain(
      'spec.type: Unsupported value: "Nope": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    );
    expect(errorsOf({ type: 'ExternalName' })).toEqual(['spec.externalName: Required value']);
    expect(errorsOf({ type: 'ExternalName', externalName: 'example.com', ports: [] })).toEqual([]);
    expect(errorsOf({ type: 'NodePort', clusterIP: 'None' })).toEqual([
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
    ]);
    expect(errorsOf({ type: 'LoadBalancer', ports: [{ port: 10250 }] })).toEqual([
      'spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
    ]);
    expect(errorsOf({ loadBalancerClass: 'a/b' })).toEqual([
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ]);
  });

  test('addresses', () => {
    expect(errorsOf({ clusterIP: '300.0.0.1' })).toEqual([
      'spec.clusterIPs[0]: Invalid value: "300.0.0.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    expect(errorsOf({ externalIPs: ['127.0.0.1'], externalTrafficPolicy: 'Cluster' })).toEqual([
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ]);
    expect(
      errorsOf({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } }),
    ).toEqual([
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400',
    ]);
  });

  test('names are DNS labels', () => {
    expect(service.validateName!('1web', false)).toEqual([]);
    expect(service.validateName!('a.b', false)).toEqual(['must not contain dots']);
    expect(service.validateName!('web-', true)).toEqual([]);
  });
});

describe('updates', () => {
  test('what was allocated is kept when it is left out', () => {
    const old = stored({ type: 'NodePort', ports: [{ name: 'a', port: 80, nodePort: 30080 }] });
    const updated = tester.update(serviceOf({ type: 'NodePort', ports: [{ name: 'a', port: 81 }] }), old);
    expect(updated.spec).toMatchObject({
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      ports: [{ port: 81, nodePort: 30080 }],
    });
    expect(tester.updateErrors(serviceOf({ type: 'NodePort', ports: [{ name: 'a', port: 81 }] }), old)).toEqual([]);
  });

  test('the cluster IP may not change', () => {
    const spec: V1ServiceSpec = { ...stored({}).spec, clusterIP: '10.96.0.8' };
    expect(tester.updateErrors({ ...serviceOf(), spec }, stored({}))).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
    ]);
    expect(tester.updateErrors(serviceOf({ clusterIP: 'None' }), stored({}))).toContain(
      'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
    );
  });

  test('a type without addresses drops them', () => {
    const old = stored({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }], externalTrafficPolicy: 'Cluster' });
    const external = { ...old, spec: { ...old.spec, type: 'ExternalName', externalName: 'example.com' } };
    const { spec } = tester.update(external, old);
    expect(spec).not.toHaveProperty('clusterIP');
    expect(spec).not.toHaveProperty('clusterIPs');
    expect(spec).not.toHaveProperty('ipFamilies');
    expect(spec).not.toHaveProperty('externalTrafficPolicy');
    expect(spec?.ports?.[0]).not.toHaveProperty('nodePort');
    expect(tester.updateErrors(external, old)).toEqual([]);
    const internal = { ...old, spec: { ...old.spec, type: 'ClusterIP' } };
    expect(tester.updateErrors(internal, old)).toEqual([]);
  });
});

describe('columns', () => {
  test.each([
    [
      {},
      {
        Type: 'ClusterIP',
        'Cluster-IP': '10.96.0.7',
        'External-IP': '<none>',
        'Port(s)': '80/TCP',
        Selector: '<none>',
      },
    ],
    [
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }], selector: { b: '2', a: '1' } },
      { 'Port(s)': '80:30080/TCP', Selector: 'a=1,b=2' },
    ],
    [{ type: 'LoadBalancer' }, { 'External-IP': '<pending>' }],
    [
      { type: 'ExternalName', externalName: 'example.com', ports: [], clusterIPs: [] },
      { 'Cluster-IP': '<none>', 'External-IP': 'example.com', 'Port(s)': '<none>' },
    ],
  ])('of %j', (spec, cells) => {
    expect(tester.cells(stored(spec))).toMatchObject(cells);
  });
});

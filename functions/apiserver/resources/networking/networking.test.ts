import { describe, expect, test } from 'vitest';
import type { V1Ingress, V1NetworkPolicy } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { ingressClass } from './ingress-class.js';
import { ingress } from './ingress.js';
import { ipAddress } from './ip-address.js';
import { networkPolicy } from './network-policy.js';
import { serviceCidr } from './service-cidr.js';

const metadata = { name: 'a', namespace: 'default' };

describe('ingresses', () => {
  const tester = kindTester<V1Ingress>(ingress);
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const path = (more: object): object => ({
    rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...more }] } }],
  });
  const at = 'spec.rules[0].http.paths[0]';

  test.each<[object, string[]]>([
    [path({}), []],
    [{ defaultBackend: backend }, []],
    [{}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [path({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      path({ pathType: 'Regex' }),
      [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [path({ path: 'a' }), [`${at}.path: Invalid value: "a": must be an absolute path`]],
    [
      path({ path: '/a//b/..' }),
      [
        `${at}.path: Invalid value: "/a//b/..": must not contain '//'`,
        `${at}.path: Invalid value: "/a//b/..": cannot end with '/..'`,
      ],
    ],
    [
      path({ backend: { service: { name: 'web' } } }),
      [`${at}.backend: Required value: port name or number is required`],
    ],
    [
      path({ backend: { ...backend, resource: { kind: 'Bucket', name: 'x' } } }),
      [`${at}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    [
      path({ backend: { service: { name: 'web', port: { name: 'http', number: 80 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      { rules: [{ host: '10.0.0.1' }] },
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
    [{ rules: [{ host: '*.example.com' }], tls: [{ hosts: ['*.example.com'], secretName: 'tls' }] }, []],
    [
      { rules: [{ host: '*' }] },
      [
        "spec.rules[0].host: Invalid value: \"*\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors({ metadata, spec })).toEqual(errors);
  });

  test('the class is said once', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'a' };
    const annotated = { metadata: { ...metadata, annotations }, spec: { ...path({}), ingressClassName: 'b' } };
    expect(tester.createErrors(annotated)).toEqual([
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ]);
    expect(tester.warnings(annotated)).toEqual([
      'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
    ]);
  });

  test('columns', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((host) => ({ host: `${host}.example.com` }));
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }, { ip: '10.0.0.2' }] } };
    const spec = { rules: hosts, tls: [{}], ingressClassName: 'nginx' };
    expect(tester.cells({ metadata, spec, status })).toMatchObject({
      Class: 'nginx',
      Hosts: 'a.example.com,b.example.com,c.example.com + 1 more...',
      Address: '10.0.0.2,lb.example.com',
      Ports: '80, 443',
    });
    expect(tester.cells({ metadata, spec: { defaultBackend: backend } })).toMatchObject({
      Class: '<none>',
      Hosts: '*',
      Address: '',
      Ports: '80',
    });
  });
});

describe('ingress classes', () => {
  const tester = kindTester(ingressClass);

  test('rules, defaults and columns', () => {
    const spec = {
      controller: 'example.com/ingress',
      parameters: { apiGroup: 'example.com', kind: 'Params', name: 'p' },
    };
    expect(tester.create({ metadata, spec })).toMatchObject({ spec: { parameters: { scope: 'Cluster' } } });
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    expect(tester.cells({ metadata: { ...metadata, annotations }, spec })).toMatchObject({
      Name: 'a (default)',
      Controller: 'example.com/ingress',
      Parameters: 'Params.example.com/p',
    });
    expect(tester.createErrors({ metadata, spec: { controller: 'x' } })).toEqual([
      'spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
    ]);
    const scoped = { ...spec, parameters: { ...spec.parameters, scope: 'Namespace' } };
    expect(tester.createErrors({ metadata, spec: scoped })).toEqual([
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ]);
    expect(tester.updateErrors({ metadata, spec: { controller: 'b.example.com/x' } }, { metadata, spec })).toEqual([
      'spec.controller: Invalid value: "b.example.com/x": field is immutable',
    ]);
  });
});

describe('network policies', () => {
  const tester = kindTester<V1NetworkPolicy>(networkPolicy);

  test('defaults', () => {
    const policy = { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] };
    expect(tester.create({ metadata, spec: policy }).spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
    });
    expect(tester.create({ metadata, spec: { podSelector: {} } }).spec?.policyTypes).toEqual(['Ingress']);
  });

  const from = (...peers: object[]): object => ({ podSelector: {}, ingress: [{ from: peers }] });
  const port = (given: object): object => ({ podSelector: {}, ingress: [{ ports: [given] }] });

  test.each<[object, string[]]>([
    [from({ podSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }), []],
    [from({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    [
      from({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
      ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    [
      from({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16', '10.0.0.0/8'] } }),
      [
        'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      ],
    ],
    [
      port({ port: 0, endPort: 70000 }),
      [
        'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ingress[0].ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      port({ endPort: 80 }),
      ['spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified'],
    ],
    [
      { podSelector: {}, policyTypes: ['Sideways'] },
      ['spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"'],
    ],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors({ metadata, spec })).toEqual(errors);
  });

  test('columns', () => {
    const spec = { podSelector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }] } };
    expect(tester.cells({ metadata, spec })).toMatchObject({ 'Pod-Selector': 'tier in (a,b)' });
    expect(tester.cells({ metadata, spec: { podSelector: {} } })).toMatchObject({ 'Pod-Selector': '<none>' });
  });
});

describe('addresses', () => {
  const addresses = kindTester(ipAddress);
  const cidrs = kindTester(serviceCidr);

  test('IPAddresses are named by their canonical form', () => {
    expect(ipAddress.validateName?.('10.0.0.1', false)).toEqual([]);
    expect(ipAddress.validateName?.('x', false)).toEqual([
      'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    expect(ipAddress.validateName?.('2001:DB8:0:0::1', false)).toEqual(['must be in canonical form ("2001:db8::1")']);
    const spec = { parentRef: { resource: 'services', namespace: 'default', name: 'web' } };
    expect(addresses.cells({ metadata, spec })).toEqual({ ParentRef: 'services/default/web' });
    expect(addresses.createErrors({ metadata, spec: {} })).toEqual(['spec.parentRef: Required value']);
    const moved = { parentRef: { resource: 'services', namespace: 'default', name: 'other' } };
    expect(addresses.updateErrors({ metadata, spec: moved }, { metadata, spec })).toEqual([
      'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"other"}: field is immutable',
    ]);
  });

  test.each<[string[], string[]]>([
    [['10.96.0.0/16'], []],
    [['10.96.0.0/16', 'fd00::/112'], []],
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [
      ['10.96.0.1/16'],
      ['spec.cidrs[0]: Invalid value: "10.96.0.1/16": must not have bits set beyond the prefix length'],
    ],
    [
      ['10.96.0.0/16', '10.97.0.0/16'],
      [
        'spec.cidrs: Invalid value: ["10.96.0.0/16","10.97.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
  ])('ServiceCIDRs %j', (given, errors) => {
    expect(cidrs.createErrors({ metadata, spec: { cidrs: given } })).toEqual(errors);
  });

  test('a second family may join a ServiceCIDR', () => {
    const update = (...given: string[]): string[] =>
      cidrs.updateErrors({ metadata, spec: { cidrs: given } }, { metadata, spec: { cidrs: ['10.96.0.0/16'] } });
    expect(update('10.96.0.0/16', 'fd00::/112')).toEqual([]);
    expect(update('10.97.0.0/16')).toEqual(['spec.cidrs[0]: Invalid value: "10.97.0.0/16": field is immutable']);
  });
});

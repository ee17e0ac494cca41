import { expect, test } from 'vitest';
import type { V1EndpointSlice } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { endpointSlice } from './endpoint-slice.js';

const tester = kindTester<V1EndpointSlice>(endpointSlice);
const metadata = { name: 'web-1', namespace: 'default' };
const slice = { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.1.2.3'] }] };

test('defaults', () => {
  expect(tester.create({ metadata, ...slice }).ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }]);
});

test.each<[object, string[]]>([
  [{}, []],
  [{ addressType: undefined }, ['addressType: Required value']],
  [{ addressType: 'MAC' }, ['addressType: Unsupported value: "MAC": supported values: "FQDN", "IPv4", "IPv6"']],
  [{ endpoints: [{ addresses: [] }] }, ['endpoints[0].addresses: Required value: must contain at least 1 address']],
  [
    { endpoints: [{ addresses: ['127.0.0.1'] }] },
    ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    { addressType: 'IPv6', endpoints: [{ addresses: ['10.0.0.1'] }] },
    ['endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address'],
  ],
  [
    { addressType: 'FQDN', endpoints: [{ addresses: ['web'] }] },
    [
      'endpoints[0].addresses[0]: Invalid value: "web": should be a domain with at least two segments separated by dots',
    ],
  ],
  [{ ports: [{ port: 80 }, { port: 81 }] }, ['ports[1].name: Duplicate value: ""']],
  [
    { endpoints: [{ addresses: ['10.1.2.3'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] },
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  ],
])('validation of %j', (change, errors) => {
  expect(tester.createErrors({ metadata, ...slice, ...change })).toEqual(errors);
});

test('the type stays, labels are a new generation, old topology is dropped', () => {
  const old = { metadata: { ...metadata, generation: 1 }, ...slice };
  expect(tester.updateErrors({ ...old, addressType: 'FQDN', endpoints: [] }, old)).toEqual([
    'addressType: Invalid value: "FQDN": field is immutable',
  ]);
  expect(tester.update({ ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }, old).metadata?.generation).toBe(
    2,
  );
  const topological = { ...slice, endpoints: [{ addresses: ['10.1.2.3'], deprecatedTopology: { a: 'b' } }] };
  expect(tester.create({ metadata, ...topological }).endpoints).toEqual([{ addresses: ['10.1.2.3'] }]);
});

test('columns', () => {
  const many = { ...slice, endpoints: ['1', '2', '3', '4'].map((last) => ({ addresses: [`10.0.0.${last}`] })) };
  expect(tester.cells({ metadata, ...many })).toMatchObject({
    AddressType: 'IPv4',
    Ports: '80',
    Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...',
  });
  expect(tester.cells({ metadata, addressType: 'IPv4', endpoints: [] })).toMatchObject({
    Ports: '<unset>',
    Endpoints: '<unset>',
  });
});

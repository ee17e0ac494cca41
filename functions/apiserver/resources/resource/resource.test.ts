import { describe, expect, test } from 'vitest';
import type { ResourceV1ResourceClaim } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { deviceClass } from './device-class.js';
import { resourceClaim } from './resource-claim.js';
import { resourceSlice } from './resource-slice.js';

const metadata = { name: 'gpu', namespace: 'default' };

describe('resource claims', () => {
  const tester = kindTester<ResourceV1ResourceClaim>(resourceClaim);
  const claim = (...requests: object[]): object => ({ devices: { requests } });
  const exactly = { deviceClassName: 'gpu.example.com' };

  test('defaults', () => {
    const created = tester.create({ metadata, spec: claim({ name: 'a', exactly }) });
    expect(created.spec?.devices?.requests?.[0]?.exactly).toMatchObject({ allocationMode: 'ExactCount', count: 1 });
  });

  test.each<[object, string[]]>([
    [claim({ name: 'a', exactly }), []],
    [
      claim({ name: 'a' }),
      ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
    [
      claim({ name: 'a', exactly }, { name: 'a', exactly: { ...exactly, allocationMode: 'All', count: 3 } }),
      [
        "spec.devices.requests[1].exactly.count: Invalid value: 3: must not be specified when allocationMode is 'All'",
        'spec.devices.requests[1]: Duplicate value: "a"',
      ],
    ],
    [
      {
        devices: { requests: [{ name: 'a', exactly }], constraints: [{ requests: ['b'], matchAttribute: 'x.com/y' }] },
      },
      [
        'spec.devices.constraints[0].requests[0]: Invalid value: "b": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      ],
    ],
    [
      {
        devices: {
          requests: [
            {
              name: 'a',
              exactly: { ...exactly, tolerations: [{ key: 'a b', operator: 'Exists', value: 'v', effect: 'Never' }] },
            },
          ],
          constraints: [{ matchAttribute: 'model' }, {}],
        },
      },
      [
        expect.stringContaining('spec.devices.requests[0].exactly.tolerations[0].key: Invalid value: "a b": name part'),
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
        'spec.devices.requests[0].exactly.tolerations[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"',
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
        'spec.devices.constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ],
    ],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors({ metadata, spec })).toEqual(errors);
  });

  test('stay as they are, and columns', () => {
    const old = { metadata, spec: claim({ name: 'a', exactly }) };
    const [error] = tester.updateErrors({ metadata, spec: claim() }, old);
    expect(error).toMatch(/^spec: Invalid value: .*: field is immutable$/);
    expect(tester.cells(old)).toMatchObject({ State: 'pending' });
    const status = { allocation: {}, reservedFor: [{ resource: 'pods', name: 'p', uid: '1' }] };
    expect(tester.cells({ ...old, status })).toMatchObject({ State: 'allocated,reserved' });
  });
});

describe('the status of resource claims', () => {
  const tester = kindTester<ResourceV1ResourceClaim>(resourceClaim);
  const spec = { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu.example.com' } }] } };
  const old = { metadata, spec };
  const result = { request: 'a', driver: 'gpu.example.com', pool: 'n', device: 'gpu-0' };
  const allocation = { devices: { results: [result] } };
  const user = { resource: 'pods', name: 'p', uid: '1' };

  test.each<[string, object, object, string[]]>([
    ['an allocation', { allocation, reservedFor: [user] }, {}, []],
    [
      'a reservation of nothing',
      { reservedFor: [{ resource: 'pods', name: '', uid: '1' }, user] },
      {},
      [
        'status.reservedFor[0].name: Required value',
        'status.reservedFor[1]: Duplicate value: "1"',
        'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
      ],
    ],
    [
      'another allocation',
      { allocation: { devices: { results: [{ ...result, device: 'gpu-1' }] } } },
      { allocation },
      [expect.stringMatching(/^status\.allocation: Invalid value: .*: field is immutable$/)],
    ],
    [
      'an allocation of what was not asked for',
      { allocation: { devices: { results: [{ ...result, request: 'b', pool: '' }] } }, devices: [result] },
      {},
      [
        'status.devices[0]: Invalid value: "gpu.example.com/n/gpu-0": must be an allocated device in the claim',
        'status.allocation.devices.results[0].request: Invalid value: "b": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
        'status.allocation.devices.results[0].pool: Required value',
      ],
    ],
  ])('%s', (_, status, before, errors) => {
    expect(tester.updateErrors({ ...old, status }, { ...old, status: before }, 'status')).toEqual(errors);
  });
});

describe('device classes and resource slices', () => {
  test('classes', () => {
    const tester = kindTester(deviceClass);
    const spec = { selectors: [{}], config: [{ opaque: { driver: '', parameters: {} } }], extendedResourceName: 'cpu' };
    expect(tester.createErrors({ metadata, spec })).toEqual([
      'spec.selectors[0].cel: Required value',
      'spec.config[0].opaque.driver: Required value',
      'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ]);
  });

  test('slices', () => {
    const tester = kindTester(resourceSlice);
    const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
    const spec = { driver: 'gpu.example.com', nodeName: 'n', pool };
    expect(tester.createErrors({ metadata, spec })).toEqual([]);
    expect(
      tester.createErrors({ metadata, spec: { driver: 'gpu.example.com', pool: { ...pool, resourceSliceCount: 0 } } }),
    ).toEqual([
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
    ]);
    expect(tester.createErrors({ metadata, spec: { ...spec, allNodes: true } })).toEqual([
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ]);
    expect(tester.updateErrors({ metadata, spec: { ...spec, nodeName: 'm' } }, { metadata, spec })).toEqual([
      'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
    expect(tester.cells({ metadata, spec })).toMatchObject({ Node: 'n', Driver: 'gpu.example.com', Pool: 'p' });
  });

  test.each<[string, object, string[]]>([
    ['attributes', { attributes: { model: { string: 'a' }, 'x.com/count': { ints: [1, 2] } } }, []],
    [
      'an attribute of two values, and one of none',
      { attributes: { 'a-b': { string: 'x', int: 1 }, v: { version: '1.0' }, none: {} } },
      [
        expect.stringContaining('spec.devices[0].attributes: Invalid value: "a-b": a valid C identifier'),
        'spec.devices[0].attributes[a-b]: Invalid value: {"string":"x","int":1}: exactly one value must be specified',
        'spec.devices[0].attributes[v].version: Invalid value: "1.0": must be a string compatible with semver.org spec 2.0.0',
        'spec.devices[0].attributes[none]: Invalid value: "": exactly one value must be specified',
      ],
    ],
    [
      'taints, binding conditions and nodes',
      { taints: [{ key: 'k', effect: '' }], bindingConditions: ['a', 'a'], nodeName: 'n' },
      [
        'spec.devices[0].taints[0].effect: Required value',
        'spec.devices[0].bindingConditions[1]: Duplicate value: "a"',
        'spec.devices[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions',
        'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ],
    ],
  ])('devices: %s', (_, device, errors) => {
    const tester = kindTester(resourceSlice);
    const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
    const spec = { driver: 'gpu.example.com', nodeName: 'n', pool, devices: [{ name: 'gpu-0', ...device }] };
    expect(tester.createErrors({ metadata, spec })).toEqual(errors);
  });
});

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
});

import { describe, expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { csiDriver } from './csi-driver.js';
import { csiNode } from './csi-node.js';
import { csiStorageCapacity } from './csi-storage-capacity.js';
import { storageClass } from './storage-class.js';
import { volumeAttachment } from './volume-attachment.js';
import { volumeAttributesClass } from './volume-attributes-class.js';

const metadata = { name: 'fast', creationTimestamp: '1970-01-01T00:00:00Z' };

describe('storage classes', () => {
  const tester = kindTester(storageClass);

  test('defaults and columns', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    const object = { metadata: { ...metadata, annotations }, provisioner: 'example.com/disk' };
    expect(tester.create(object)).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
    expect(tester.cells(object, 1000)).toEqual({
      Name: 'fast (default)',
      Provisioner: 'example.com/disk',
      ReclaimPolicy: 'Delete',
      VolumeBindingMode: 'Immediate',
      AllowVolumeExpansion: false,
      Age: '1s',
    });
  });

  test.each<[object, string[]]>([
    [{ provisioner: 'example.com/disk' }, []],
    [{}, ['provisioner: Required value']],
    [
      { provisioner: 'a', reclaimPolicy: 'Recycle', volumeBindingMode: 'Later' },
      [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
      ],
    ],
    [
      { provisioner: 'a', allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }] },
      ['allowedTopologies[0].matchLabelExpressions[0].values: Required value'],
    ],
  ])('validation of %j', (object, errors) => {
    expect(tester.createErrors({ metadata, ...object })).toEqual(errors);
  });

  test('what stays', () => {
    const old = { metadata, provisioner: 'a', parameters: { type: 'ssd' } };
    expect(tester.updateErrors({ ...old, parameters: { type: 'hdd' }, reclaimPolicy: 'Retain' }, old)).toEqual([
      'parameters: Invalid value: {"type":"hdd"}: field is immutable',
      'reclaimPolicy: Invalid value: "Retain": field is immutable',
    ]);
  });
});

test('volume attributes classes', () => {
  const tester = kindTester(volumeAttributesClass);
  const old = { metadata, driverName: 'example.com', parameters: { iops: '1' } };
  expect(tester.createErrors(old)).toEqual([]);
  expect(tester.createErrors({ metadata, driverName: 'example.com' })).toEqual([
    'parameters: Required value: must contain at least one key/value pair',
  ]);
  expect(tester.updateErrors({ ...old, driverName: 'b.example.com', parameters: { iops: '2' } }, old)).toEqual([
    'driverName: Forbidden: updates to driverName are forbidden.',
    'parameters: Forbidden: updates to parameters are forbidden.',
  ]);
});

describe('CSI drivers and nodes', () => {
  const drivers = kindTester(csiDriver);
  const nodes = kindTester(csiNode);

  test('drivers', () => {
    expect(drivers.create({ metadata, spec: {} })).toMatchObject({
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        storageCapacity: false,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        volumeLifecycleModes: ['Persistent'],
        requiresRepublish: false,
        seLinuxMount: false,
      },
    });
    const tokenRequests = [{ audience: 'a', expirationSeconds: 60 }, { audience: 'a' }];
    expect(drivers.createErrors({ metadata, spec: { tokenRequests, volumeLifecycleModes: ['Forever'] } })).toEqual([
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
    ]);
    expect(drivers.updateErrors({ metadata, spec: { attachRequired: false } }, { metadata, spec: {} })).toEqual([
      'spec.attachedRequired: Invalid value: false: field is immutable',
    ]);
    expect(drivers.cells({ metadata, spec: {} })).toMatchObject({ TokenRequests: '<unset>', Modes: 'Persistent' });
  });

  test('nodes', () => {
    const driver = { name: 'csi.example.com', nodeID: 'n1', topologyKeys: ['zone'], allocatable: { count: 5 } };
    const old = { metadata, spec: { drivers: [driver] } };
    expect(nodes.createErrors(old)).toEqual([]);
    expect(nodes.cells(old)).toMatchObject({ Drivers: 1 });
    expect(nodes.createErrors({ metadata, spec: { drivers: [{ ...driver, nodeID: '' }, driver] } })).toEqual([
      'spec.drivers[0].nodeID: Required value',
      'spec.drivers[1].name: Duplicate value: "csi.example.com"',
    ]);
    const limited = { metadata, spec: { drivers: [{ ...driver, allocatable: { count: 9 } }] } };
    expect(nodes.updateErrors(limited, old)).toEqual([]);
    const moved = { metadata, spec: { drivers: [{ ...driver, nodeID: 'n2' }] } };
    expect(nodes.updateErrors(moved, old)).toEqual([
      'spec.drivers: Invalid value: {"name":"csi.example.com","nodeID":"n2","topologyKeys":["zone"]}: field is immutable',
    ]);
  });

  test('storage capacities', () => {
    const tester = kindTester(csiStorageCapacity);
    const old = { metadata, storageClassName: 'fast', capacity: '1Gi' };
    expect(tester.createErrors({ ...old, capacity: '-1Gi' })).toEqual([
      'capacity: Invalid value: "-1Gi": must be greater than or equal to 0',
    ]);
    expect(tester.updateErrors({ ...old, storageClassName: 'slow' }, old)).toEqual([
      'storageClassName: Invalid value: "slow": field is immutable',
    ]);
    expect(tester.cells(old)).toEqual({ StorageClassName: 'fast', Capacity: '1Gi' });
  });
});

test('volume attachments', () => {
  const tester = kindTester(volumeAttachment);
  const spec = { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } };
  expect(tester.createErrors({ metadata, spec })).toEqual([]);
  expect(tester.createErrors({ metadata, spec: { ...spec, source: {} } })).toEqual([
    'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
  ]);
  expect(tester.updateErrors({ metadata, spec: { ...spec, nodeName: 'm' } }, { metadata, spec })).toEqual([
    'spec: Invalid value: {"attacher":"csi.example.com","nodeName":"m","source":{"persistentVolumeName":"pv"}}: field is immutable',
  ]);
  const status = { attached: true, detachError: { message: 'x'.repeat(2000) } };
  expect(tester.updateErrors({ metadata, spec, status }, { metadata, spec }, 'status')).toEqual([
    'status.detachError.message: Too long: may not be more than 262144 bytes',
  ]);
  expect(tester.cells({ metadata, spec, status })).toMatchObject({ PV: 'pv', Node: 'n', Attached: true });
});

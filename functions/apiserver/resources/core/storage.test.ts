import { describe, expect, test } from 'vitest';
import type { V1PersistentVolume, V1PersistentVolumeClaim } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { persistentVolume } from './persistent-volume.js';
import { persistentVolumeClaim } from './persistent-volume-claim.js';

describe('persistent volumes', () => {
  const tester = kindTester<V1PersistentVolume>(persistentVolume);
  const volumeOf = (spec: object = {}) => ({
    metadata: { name: 'pv' },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
  });

  test('defaults', () => {
    expect(tester.create(volumeOf())).toMatchObject({
      spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { type: '' } },
      status: { phase: 'Pending' },
    });
  });

  test.each([
    [{}, []],
    [{ hostPath: undefined }, ['spec: Required value: must specify a volume type']],
    [{ nfs: { server: 's', path: '/' } }, ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
    [
      { accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] },
      ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    ],
    [{ capacity: { storage: '0' } }, ['spec.capacity[storage]: Invalid value: "0": must be greater than 0']],
    [
      { hostPath: undefined, local: { path: '/x' } },
      ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
    ],
    [
      { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors(volumeOf(spec))).toEqual(errors);
  });

  test('the source stays', () => {
    const [error] = tester.updateErrors(volumeOf({ hostPath: { path: '/other' } }), volumeOf());
    expect(error).toContain(
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n',
    );
    expect(tester.updateErrors(volumeOf({ capacity: { storage: '6Gi' } }), volumeOf())).toEqual([]);
  });

  test('columns', () => {
    const claimRef = { namespace: 'default', name: 'data' };
    expect(tester.cells({ ...volumeOf({ claimRef }), status: { phase: 'Bound' } })).toMatchObject({
      Capacity: '5Gi',
      'Access Modes': 'RWO',
      'Reclaim Policy': 'Retain',
      Status: 'Bound',
      Claim: 'default/data',
      StorageClass: '',
      VolumeAttributesClass: '<unset>',
      VolumeMode: 'Filesystem',
    });
  });

  test('recycling is deprecated', () => {
    expect(tester.warnings(volumeOf({ persistentVolumeReclaimPolicy: 'Recycle' }))).toHaveLength(1);
  });
});

describe('claims', () => {
  const tester = kindTester<V1PersistentVolumeClaim>(persistentVolumeClaim);
  const claimOf = (spec: object = {}, status: object = {}) => ({
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } }, ...spec },
    status,
  });

  test.each([
    [{}, []],
    [{ accessModes: [] }, ['spec.accessModes: Required value: at least 1 access mode is required']],
    [{ resources: {} }, ['spec.resources[storage]: Required value']],
    [
      { dataSource: { kind: 'Other', name: 'x' } },
      expect.arrayContaining([
        'spec.dataSource: Invalid value: "Other": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
      ]),
    ],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors(claimOf(spec))).toEqual(errors);
  });

  test('a data source is known under both names', () => {
    const source = { kind: 'PersistentVolumeClaim', name: 'x' };
    expect(tester.create(claimOf({ dataSource: source })).spec?.dataSourceRef).toEqual(source);
  });

  test('only the size of a bound claim may grow', () => {
    const bound = { phase: 'Bound', capacity: { storage: '5Gi' } };
    const size = (storage: string) => ({ resources: { requests: { storage } } });
    expect(tester.updateErrors(claimOf(size('6Gi'), bound), claimOf({}, bound))).toEqual([]);
    expect(tester.updateErrors(claimOf(size('4Gi'), bound), claimOf({}, bound))).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
    expect(tester.updateErrors(claimOf(size('6Gi')), claimOf())[0]).toContain(
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n',
    );
    expect(tester.updateErrors(claimOf({ volumeName: 'pv' }), claimOf())).toEqual([]);
  });

  test('columns', () => {
    const status = { phase: 'Bound', capacity: { storage: '10Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] };
    expect(tester.cells(claimOf({ volumeName: 'pv', storageClassName: 'fast' }, status))).toMatchObject({
      Status: 'Bound',
      Volume: 'pv',
      Capacity: '10Gi',
      'Access Modes': 'RWO,RWX',
      StorageClass: 'fast',
    });
    expect(tester.cells(claimOf())).toMatchObject({ Capacity: '', 'Access Modes': '', VolumeMode: 'Filesystem' });
  });
});

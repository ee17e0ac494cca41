import { describe, expect, test } from 'vitest';
import type { V1Namespace, V1Node } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { namespace } from './namespace.js';
import { node } from './node.js';

describe('namespaces', () => {
  const tester = kindTester<V1Namespace>(namespace);
  const created = tester.create({ metadata: { name: 'a' } });

  test('start active, labelled and with a finalizer', () => {
    expect(created).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    expect(namespace.holdsDeletion!(created)).toBe(true);
  });

  test('finalizers change through their subresource alone', () => {
    const without = { ...created, spec: { finalizers: [] } };
    expect(tester.update(without, created).spec?.finalizers).toEqual(['kubernetes']);
    const finalized = tester.update(without, created, 'finalize');
    expect(namespace.holdsDeletion!(finalized)).toBe(false);
    expect(tester.updateErrors({ ...created, spec: { finalizers: ['mine'] } }, created, 'finalize')).toEqual([
      'spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  test('phase follows deletion', () => {
    expect(tester.updateErrors({ ...created, status: { phase: 'Terminating' } }, created, 'status')).toEqual([
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ]);
    expect(namespace.validateName!('a.b', false)).toEqual(['must not contain dots']);
  });

  test('columns', () => {
    expect(tester.cells(created)['Status']).toBe('Active');
  });
});

describe('nodes', () => {
  const tester = kindTester<V1Node>(node);
  const metadata = { name: 'n1' };

  test('pod ranges are kept in step and do not change', () => {
    const old = tester.create({ metadata, spec: { podCIDR: '10.244.1.0/24' } });
    expect(old.spec).toMatchObject({ podCIDRs: ['10.244.1.0/24'] });
    expect(tester.updateErrors({ metadata, spec: { podCIDR: '10.244.2.0/24' } }, old)).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ]);
    expect(tester.updateErrors(old, { metadata })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { podCIDRs: ['10.244.1.1/24'] } })).toEqual([
      'spec.podCIDRs[0]: Invalid value: "10.244.1.1/24": must not have bits set beyond the prefix length',
    ]);
  });

  test('taints', () => {
    const taint = { key: 'a', effect: 'NoSchedule' };
    expect(tester.createErrors({ metadata, spec: { taints: [taint, taint] } })).toEqual([
      'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
    ]);
    expect(tester.createErrors({ metadata, spec: { taints: [{ key: 'a', effect: 'Never' }] } })).toEqual([
      'metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ]);
  });

  test('a status comes with the registration', () => {
    expect(node.keepsStatusOnCreate).toBe(true);
    expect(tester.create({ metadata, status: { capacity: { cpu: '4' } } }).status).toMatchObject({
      allocatable: { cpu: '4' },
    });
  });

  test('columns', () => {
    const cells = tester.cells({
      metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.4' }],
        nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian' },
      },
    });
    expect(cells).toMatchObject({
      Status: 'Ready,SchedulingDisabled',
      Roles: 'edge,worker',
      Version: 'v1.36.0',
      'Internal-IP': '10.0.0.4',
      'External-IP': '<none>',
      'OS-Image': 'Debian',
      'Kernel-Version': '<unknown>',
    });
    expect(tester.cells({ metadata })).toMatchObject({ Status: 'Unknown', Roles: '<none>' });
    expect(tester.cells({ metadata, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })['Status']).toBe(
      'NotReady',
    );
    expect(node.fieldLabels!['spec.unschedulable']!(tester.decode({ metadata }))).toBe('false');
  });
});

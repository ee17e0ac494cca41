import { expect, test } from 'vitest';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttributesClasses,
} from '../../lib/client/resources.js';
import type { V1PersistentVolumeClaim } from '../../lib/schema/generated/types.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './storage-protection.js';

const claim = (volumeAttributesClassName?: string): V1PersistentVolumeClaim => ({
  metadata: { name: 'data', namespace: 'default', finalizers: ['kubernetes.io/pvc-protection'] },
  spec: { accessModes: ['ReadWriteOnce'], volumeAttributesClassName },
});

function cluster(): FakeCluster {
  return new FakeCluster([claimProtectionController, volumeProtectionController, attributesClassProtectionController]);
}

test('a claim goes when the last pod on a node that uses it has gone', async () => {
  const world = cluster();
  await world.client.create(persistentVolumeClaims, claim());
  const pod = (name: string, nodeName?: string) => ({
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName,
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
  await world.client.create(pods, pod('running', 'node-1'));
  await world.client.create(pods, pod('waiting'));
  await world.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'data' });
  await world.settle();
  expect(world.get(persistentVolumeClaims, 'data').metadata?.deletionTimestamp).toBeDefined();
  await world.client.delete(pods, { namespace: 'default', name: 'running' }, { gracePeriodSeconds: 0 });
  await world.settle();
  expect(world.view(persistentVolumeClaims).get('default', 'data')).toBeUndefined();
});

test('a volume goes when it is not bound, an attributes class when nobody names it', async () => {
  const world = cluster();
  await world.client.create(persistentVolumes, {
    metadata: { name: 'v', finalizers: ['kubernetes.io/pv-protection'] },
    spec: { capacity: { storage: '1Gi' } },
  });
  await world.client.updateStatus(persistentVolumes, {
    ...world.view(persistentVolumes).get(undefined, 'v'),
    status: { phase: 'Bound' },
  });
  await world.client.delete(persistentVolumes, { name: 'v' });
  await world.settle();
  const held = world.view(persistentVolumes).get(undefined, 'v');
  expect(held?.metadata?.deletionTimestamp).toBeDefined();
  await world.client.updateStatus(persistentVolumes, { ...held, status: { phase: 'Released' } });
  await world.settle();
  expect(world.view(persistentVolumes).get(undefined, 'v')).toBeUndefined();

  await world.client.create(volumeAttributesClasses, {
    metadata: { name: 'gold', finalizers: ['kubernetes.io/vac-protection'] },
    driverName: 'example.com',
  });
  await world.client.create(persistentVolumeClaims, claim('gold'));
  await world.client.delete(volumeAttributesClasses, { name: 'gold' });
  await world.settle();
  expect(world.view(volumeAttributesClasses).get(undefined, 'gold')).toBeDefined();
  await world.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'data' });
  await world.settle();
  expect(world.view(volumeAttributesClasses).get(undefined, 'gold')).toBeUndefined();
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../lib/api/meta.js';
import type { Resource } from '../../lib/client/resource.js';
import { configMaps, namespaces } from '../../lib/client/resources.js';
import type { V1CustomResourceDefinition } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { definitionOf, objectOf, type TestDefinition } from '../apiserver/custom/test-definitions.js';
import { customResourceDefinitions } from './shared/custom-resources.js';

const cronTabs: Resource<KubernetesObject> = {
  group: 'stable.example.com',
  version: 'v1',
  plural: 'crontabs',
  kind: 'CronTab',
  namespaced: true,
};
const NAME = { name: 'crontabs.stable.example.com' };

describe('custom resources in a cluster', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster({ nodes: 0 });
  });
  afterEach(() => cluster.close());

  const define = (options?: TestDefinition): Promise<V1CustomResourceDefinition> =>
    cluster.client.create(customResourceDefinitions, definitionOf(options) as V1CustomResourceDefinition);
  const create = (name: string, metadata: KubernetesObject['metadata'] = {}): Promise<KubernetesObject> =>
    cluster.client.create(cronTabs, objectOf(name, { metadata: { namespace: 'default', ...metadata } }));
  const isGone = (): Promise<unknown> =>
    cluster.until(async () => {
      expect(await cluster.client.find(customResourceDefinitions, NAME)).toBeUndefined();
    });

  test('go with their definition, those with finalizers last, and revisions never fall', async () => {
    await define();
    await create('a');
    const held = await create('b', { finalizers: ['example.com/wait'] });
    await cluster.client.delete(customResourceDefinitions, NAME);
    await cluster.until(async () => {
      const left = await cluster.client.list(cronTabs, { namespace: 'default' });
      expect(left.items.map(({ metadata }) => metadata?.name)).toEqual(['b']);
      const { status } = await cluster.client.get(customResourceDefinitions, NAME);
      expect(status?.conditions?.find(({ type }) => type === 'Terminating')).toMatchObject({
        status: 'True',
        reason: 'InstanceDeletionInProgress',
      });
    });
    await cluster.client.patch(cronTabs, { namespace: 'default', name: 'b' }, 'merge', {
      metadata: { finalizers: null },
    });
    await isGone();
    await define();
    const again = await create('a');
    expect(Number(again.metadata?.resourceVersion)).toBeGreaterThan(Number(held.metadata?.resourceVersion));
    expect((await cluster.client.list(cronTabs, { namespace: 'default' })).items).toHaveLength(1);
  });

  test('own, and are owned', async () => {
    await define();
    const owner = await create('owner');
    const reference = (object: KubernetesObject) => ({
      apiVersion: 'stable.example.com/v1',
      kind: 'CronTab',
      name: object.metadata?.name ?? '',
      uid: object.metadata?.uid ?? '',
    });
    await create('owned', { ownerReferences: [reference(owner)] });
    await cluster.client.create(configMaps, {
      metadata: { namespace: 'default', name: 'owned', ownerReferences: [reference(owner)] },
    });
    await cluster.client.delete(cronTabs, { namespace: 'default', name: 'owner' }, { propagationPolicy: 'Background' });
    await cluster.until(async () => {
      expect(await cluster.client.find(cronTabs, { namespace: 'default', name: 'owned' })).toBeUndefined();
      expect(await cluster.client.find(configMaps, { namespace: 'default', name: 'owned' })).toBeUndefined();
    });
  });

  test('go with their namespace', async () => {
    await define();
    await cluster.client.create(namespaces, { metadata: { name: 'team' } });
    await cluster.client.create(cronTabs, objectOf('a', { metadata: { namespace: 'team' } }));
    await cluster.client.delete(namespaces, { name: 'team' });
    await cluster.until(async () => {
      expect(await cluster.client.find(namespaces, { name: 'team' })).toBeUndefined();
    });
    expect((await cluster.client.list(cronTabs)).items).toEqual([]);
  });

  test('names that become free are given to who waits for them', async () => {
    await define({ names: { shortNames: ['ct'] } });
    const rival = await define({ kind: 'Rival', names: { shortNames: ['ct'] } });
    expect(rival.status?.conditions?.[0]).toMatchObject({ reason: 'ShortNamesConflict' });
    await cluster.client.delete(customResourceDefinitions, NAME);
    await cluster.until(async () => {
      const { status } = await cluster.client.get(customResourceDefinitions, { name: 'rivals.stable.example.com' });
      expect(status?.acceptedNames?.shortNames).toEqual(['ct']);
      expect(status?.conditions?.find(({ type }) => type === 'Established')).toMatchObject({ status: 'True' });
    });
  });
});

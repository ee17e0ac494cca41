import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Resource } from '../../lib/client/resource.js';
import type { V1APIService, V1CustomResourceDefinition } from '../../lib/schema/generated/types.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { definitionOf, type TestDefinition } from '../apiserver/custom/test-definitions.js';
import { customResourceDefinitions } from './shared/custom-resources.js';

const apiServices: Resource<V1APIService> = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
};
const NAME = { name: 'v1.stable.example.com' };

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster({ nodes: 0 });
});
afterEach(() => cluster.close());

const define = (options?: TestDefinition): Promise<V1CustomResourceDefinition> =>
  cluster.client.create(customResourceDefinitions, definitionOf(options) as V1CustomResourceDefinition);
const find = (): Promise<V1APIService | undefined> => cluster.client.find(apiServices, NAME);
const isThere = (): Promise<unknown> => cluster.until(async () => expect(await find()).toBeDefined());
const isGone = (): Promise<unknown> => cluster.until(async () => expect(await find()).toBeUndefined());

test('a group version of definitions has an APIService, which is Available, as long as one of them serves it', async () => {
  await define();
  await define({ kind: 'Other' });
  await isThere();
  const made = await find();
  expect(made?.spec).toMatchObject({ group: 'stable.example.com', version: 'v1', groupPriorityMinimum: 1_000 });
  expect(made?.metadata?.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'true' });
  await cluster.until(async () =>
    expect((await find())?.status?.conditions).toEqual([
      expect.objectContaining({ type: 'Available', status: 'True', reason: 'Local' }),
    ]),
  );
  await cluster.client.delete(apiServices, NAME);
  await isThere();
  await cluster.client.delete(customResourceDefinitions, { name: 'others.stable.example.com' });
  await cluster.advance(30_000);
  await isThere();
  await cluster.client.delete(customResourceDefinitions, { name: 'crontabs.stable.example.com' });
  await isGone();
});

test('an APIService that somebody else made for the group is left alone', async () => {
  const spec = { group: 'stable.example.com', version: 'v1', groupPriorityMinimum: 5, versionPriority: 5 };
  await cluster.client.create(apiServices, { metadata: NAME, spec });
  await define();
  await cluster.client.delete(customResourceDefinitions, { name: 'crontabs.stable.example.com' });
  await cluster.advance(30_000);
  expect((await find())?.spec?.groupPriorityMinimum).toBe(5);
});

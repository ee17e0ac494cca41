import { describe, expect, test } from 'vitest';
import { deployments, podDisruptionBudgets, pods, statefulSets } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { V1PodDisruptionBudget, V1PodDisruptionBudgetSpec } from '../../lib/schema/generated/types.js';
import { deploymentController } from './deployment/index.js';
import { disruptionController } from './disruption.js';
import { replicaSetController } from './replica-set.js';
import { podTemplate } from './shared/testing/builders.js';
import { FakeCluster } from './shared/testing/fake-cluster.js';

function budget(spec: V1PodDisruptionBudgetSpec): V1PodDisruptionBudget {
  return {
    metadata: { name: 'pdb', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  };
}

async function started(spec: V1PodDisruptionBudgetSpec, replicas = 4): Promise<FakeCluster> {
  const cluster = new FakeCluster([deploymentController, replicaSetController, disruptionController]);
  await cluster.client.create(deployments, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
  });
  await cluster.client.create(podDisruptionBudgets, budget(spec));
  await cluster.converge();
  return cluster;
}

function status(cluster: FakeCluster): V1PodDisruptionBudget['status'] {
  return cluster.get(podDisruptionBudgets, 'pdb').status;
}

describe('disruption budget', () => {
  test.each([
    [{ minAvailable: 3 }, 3, 1],
    [{ minAvailable: '50%' }, 2, 2],
    [{ maxUnavailable: 1 }, 3, 1],
    [{ maxUnavailable: '30%' }, 2, 2],
    [{ minAvailable: 4 }, 4, 0],
  ])('%j of four pods', async (spec, desiredHealthy, disruptionsAllowed) => {
    const cluster = await started(spec);
    const sufficient = disruptionsAllowed > 0;
    expect(status(cluster)).toMatchObject({
      currentHealthy: 4,
      desiredHealthy,
      expectedPods: 4,
      disruptionsAllowed,
      observedGeneration: 1,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: sufficient ? 'True' : 'False',
          reason: sufficient ? 'SufficientPods' : 'InsufficientPods',
          observedGeneration: 1,
        },
      ],
    });
  });

  test('follows the health and the scale of its pods', async () => {
    const cluster = await started({ maxUnavailable: 1 });
    await cluster.runPods((pod) => pod.metadata?.name !== cluster.list(pods)[0]?.metadata?.name);
    await cluster.settle();
    expect(status(cluster)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 });
    await cluster.change(deployments, 'web', (object) => {
      if (object.spec) object.spec.replicas = 6;
    });
    await cluster.converge();
    expect(status(cluster)).toMatchObject({
      expectedPods: 6,
      desiredHealthy: 5,
      currentHealthy: 6,
      disruptionsAllowed: 1,
    });
  });

  test('a pod whose eviction was granted is not healthy, for two minutes', async () => {
    const cluster = await started({ minAvailable: 3 });
    const name = cluster.list(pods)[0]?.metadata?.name ?? '';
    const since = formatTime(cluster.clock.now());
    await cluster.change(podDisruptionBudgets, 'pdb', (object) => {
      object.status = { ...object.status, disruptedPods: { [name]: since, gone: since }, disruptionsAllowed: 0 };
    });
    await cluster.settle();
    expect(status(cluster)).toMatchObject({
      currentHealthy: 3,
      disruptionsAllowed: 0,
      disruptedPods: { [name]: since },
    });
    expect(Object.keys(status(cluster)?.disruptedPods ?? {})).toEqual([name]);
    await cluster.advance(121_000);
    expect(status(cluster)).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 });
    expect(status(cluster)?.disruptedPods).toBeUndefined();
    expect(cluster.events()).toContain("NotDeleted: Pod was expected by PDB default/pdb to be deleted but it wasn't");
  });

  test('without pods allows nothing', async () => {
    const cluster = new FakeCluster([disruptionController]);
    await cluster.client.create(podDisruptionBudgets, budget({ minAvailable: 1 }));
    await cluster.settle();
    expect(status(cluster)).toMatchObject({ expectedPods: 0, desiredHealthy: 1, disruptionsAllowed: 0 });
    expect(cluster.events()).toEqual(['NoPods: No matching pods found']);
  });

  test('when the number of pods cannot be known, allows nothing and says why', async () => {
    const cluster = new FakeCluster([disruptionController]);
    await cluster.client.create(statefulSets, {
      metadata: { name: 'other', namespace: 'default' },
      spec: { selector: {}, template: {}, serviceName: '' },
    });
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'other', uid: 'gone', controller: true };
    await cluster.client.create(pods, {
      metadata: { name: 'stray', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner] },
      spec: { containers: [] },
    });
    await cluster.client.create(podDisruptionBudgets, budget({ maxUnavailable: 1 }));
    await cluster.settle();
    expect(status(cluster)).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "stray"' }],
    });
  });
});

import { describe, expect, test } from 'vitest';
import { deployments, replicaSets } from '../../../lib/client/resources.js';
import { replicaSetController } from '../replica-set.js';
import { podTemplate } from '../shared/testing/builders.js';
import { FakeCluster } from '../shared/testing/fake-cluster.js';
import { annotationsOfNewReplicaSet, lastRevision, maxRevision } from './annotations.js';
import { deploymentController } from './index.js';

const REVISION = 'deployment.kubernetes.io/revision';
const HISTORY = 'deployment.kubernetes.io/revision-history';

describe('annotations of the current replica set', () => {
  const deployment = {
    metadata: {
      annotations: {
        'kubernetes.io/change-cause': 'v2',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        [REVISION]: '9',
      },
    },
  };

  test('are the deployment’s own without its bookkeeping', () => {
    expect(annotationsOfNewReplicaSet(deployment, {}, 3n)).toEqual({
      'kubernetes.io/change-cause': 'v2',
      [REVISION]: '3',
    });
  });

  test('a revision never falls, and a former one goes into the history', () => {
    expect(annotationsOfNewReplicaSet(deployment, { [REVISION]: '5' }, 3n)[REVISION]).toBe('5');
    const again = annotationsOfNewReplicaSet(deployment, { [REVISION]: '2', [HISTORY]: '1' }, 4n);
    expect(again).toMatchObject({ [REVISION]: '4', [HISTORY]: '1,2' });
  });

  test('the history is cut to 2000 characters from its beginning', () => {
    const long = Array.from({ length: 600 }, (_, index) => String(index + 100)).join(',');
    const history =
      annotationsOfNewReplicaSet(deployment, { [REVISION]: '999', [HISTORY]: long }, 1000n)[HISTORY] ?? '';
    expect(history.length).toBeLessThanOrEqual(2000);
    expect(history.endsWith(',699,999')).toBe(true);
  });

  test('revisions are 64-bit numbers', () => {
    expect(maxRevision([{ metadata: { annotations: { [REVISION]: '3546343826724305832' } } }]) + 1n).toBe(
      3546343826724305833n,
    );
  });

  test('revisions that are no numbers do not count', () => {
    const sets = ['1', '4', 'x', '3'].map((revision) => ({ metadata: { annotations: { [REVISION]: revision } } }));
    expect(maxRevision(sets)).toBe(4n);
    expect(lastRevision(sets)).toBe(3n);
  });
});

describe('the rollback annotation', () => {
  async function rolledBackTo(revision: string): Promise<FakeCluster> {
    const cluster = new FakeCluster([deploymentController, replicaSetController]);
    await cluster.client.create(deployments, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
    });
    await cluster.converge();
    for (const image of ['image:2', 'image:3']) {
      await cluster.change(deployments, 'web', (object) => {
        if (object.spec) object.spec.template = podTemplate('web', image);
      });
      await cluster.converge();
    }
    await cluster.change(deployments, 'web', (object) => {
      if (object.metadata)
        object.metadata.annotations = { ...object.metadata.annotations, 'deprecated.deployment.rollback.to': revision };
    });
    await cluster.converge();
    return cluster;
  }

  test.each([
    ['1', 'image:1', 'DeploymentRollback: Rolled back deployment "web" to revision 1'],
    ['0', 'image:2', 'DeploymentRollback: Rolled back deployment "web" to revision 2'],
    [
      '3',
      'image:3',
      'DeploymentRollbackTemplateUnchanged: The rollback revision contains the same template as current deployment "web"',
    ],
    ['8', 'image:3', 'DeploymentRollbackRevisionNotFound: Unable to find the revision to rollback to.'],
  ])('to %s gives %s', async (revision, image, event) => {
    const cluster = await rolledBackTo(revision);
    const { spec, metadata } = cluster.get(deployments, 'web');
    expect(spec?.template.spec?.containers[0]?.image).toBe(image);
    expect(metadata?.annotations?.['deprecated.deployment.rollback.to']).toBeUndefined();
    expect(cluster.events()).toContain(event);
    const running = cluster.list(replicaSets).filter((set) => set.spec?.replicas === 1);
    expect(running.map((set) => set.spec?.template?.spec?.containers[0]?.image)).toEqual([image]);
  });
});

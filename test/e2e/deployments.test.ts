import { describe, expect, it } from 'vitest';
import { deployments, pods, replicaSets } from '../../lib/client/resources.js';
import { daemonSet, deployment, replicaSet } from './manifests.js';
import { imageOf, livePods, nameOf, putScale, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';
const NOT_READY = { 'simulated.zeroplane.dev/ready': 'false' };

const rolledOut = ({ kubectl }: Scene): Promise<string> => kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);

const sizes = async ({ client, namespace }: Scene): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await client.list(replicaSets, { namespace })).items.map((one) => [
      one.spec?.template?.spec?.containers[0]?.image ?? '',
      one.spec?.replicas ?? 0,
    ]),
  );

describe.concurrent('deployments', () => {
  it('row 107: the scale subresource reads, updates and patches', async () => {
    const scene = await cluster.scene('deploy');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(deployment('web'));
    const ref = { namespace, name: 'web' };
    const scale = await putScale(client, deployments, ref, 2);
    expect(scale).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 } });
    expect((await client.get(deployments, ref)).spec?.replicas).toBe(2);
    await client.patch(deployments, ref, 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
    await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(4));
    await eventually(async () =>
      expect(await client.get(deployments, ref, { subresource: 'scale' })).toMatchObject({
        spec: { replicas: 4 },
        status: { replicas: 4, selector: 'app=web' },
      }),
    );
  });

  it('row 108: recreate removes all old pods before a new one starts', async () => {
    const scene = await cluster.scene('deploy');
    const { client, kubectl, namespace } = scene;
    const recreate = (image: string) =>
      deployment('web', { replicas: 3, image, spec: { strategy: { type: 'Recreate' } } });
    await kubectl.apply(recreate('app:1'));
    await rolledOut(scene);
    const recording = new Recording(client, pods, { namespace });
    await recording.until('ADDED', (pod) => imageOf(pod) === 'app:1');
    await kubectl.apply(recreate('app:2'));
    await rolledOut(scene);
    const running = new Set<string>();
    for (const { type, object } of recording.events) {
      const name = nameOf(object);
      if (imageOf(object) === 'app:1' && type === 'DELETED') running.delete(name);
      else if (imageOf(object) === 'app:1') running.add(name);
      else expect([...running], `when ${name} was ${type}`).toEqual([]);
    }
    expect((await livePods(client, namespace)).map(imageOf)).toEqual(['app:2', 'app:2', 'app:2']);
    recording.stop();
  });

  it('row 109: rolling update takes over a replica set and replaces its pods', async () => {
    const scene = await cluster.scene('deploy');
    const { client, kubectl, namespace } = scene;
    const labels = { app: 'web' };
    const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
    await kubectl.apply({
      ...replicaSet('old', { image: 'app:1', labels, selector: labels }),
      metadata: { name: 'old', labels, annotations },
    });
    await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(1));
    await kubectl.apply(deployment('web', { image: 'app:2' }));
    await rolledOut(scene);
    const old = await client.get(replicaSets, { namespace, name: 'old' });
    expect(old.spec?.replicas).toBe(0);
    expect(old.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Deployment', name: 'web', controller: true });
    expect((await livePods(client, namespace)).map(imageOf)).toEqual(['app:2']);
    const web = await client.get(deployments, { namespace, name: 'web' });
    expect(web.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3546343826724305833');
  });

  it('row 110: old replica sets past revisionHistoryLimit are deleted', async () => {
    const scene = await cluster.scene('deploy');
    const { kubectl } = scene;
    for (const tag of [1, 2, 3, 4]) {
      await kubectl.apply(deployment('web', { image: `app:${tag}`, spec: { revisionHistoryLimit: 1 } }));
      await rolledOut(scene);
    }
    await eventually(async () => expect(await sizes(scene)).toEqual({ 'app:3': 0, 'app:4': 1 }));
    await kubectl.ok(['patch', 'deployment', 'web', '-p', '{"spec":{"revisionHistoryLimit":0}}']);
    await eventually(async () => expect(await sizes(scene)).toEqual({ 'app:4': 1 }));
  });

  it('row 111: scaling during a stuck rollout is shared in proportion', async () => {
    const scene = await cluster.scene('deploy');
    const { kubectl, client, namespace } = scene;
    const spec = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } };
    await kubectl.apply(deployment('web', { replicas: 10, image: 'app:1', spec }));
    await rolledOut(scene);
    await kubectl.apply(deployment('web', { replicas: 10, image: 'app:2', annotations: NOT_READY, spec }));
    await eventually(async () => expect(await sizes(scene)).toEqual({ 'app:1': 8, 'app:2': 5 }));
    await eventually(async () =>
      expect((await client.get(deployments, { namespace, name: 'web' })).status).toMatchObject({
        replicas: 13,
        availableReplicas: 8,
        updatedReplicas: 5,
      }),
    );
    await kubectl.ok(['scale', 'deployment/web', '--replicas=30']);
    await eventually(async () => expect(await sizes(scene)).toEqual({ 'app:1': 20, 'app:2': 13 }));
  });

  it('row 112: a newer template supersedes an unfinished rollout', async () => {
    const scene = await cluster.scene('deploy');
    const { client, kubectl, namespace } = scene;
    await kubectl.apply(deployment('web', { replicas: 2, image: 'app:1' }));
    await rolledOut(scene);
    await kubectl.apply(deployment('web', { replicas: 2, image: 'app:2', annotations: NOT_READY }));
    await eventually(async () => expect((await sizes(scene))['app:2']).toBe(1));
    await kubectl.apply(deployment('web', { replicas: 2, image: 'app:3', annotations: {} }));
    await kubectl.ok([
      'patch',
      'deployment',
      'web',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/template/metadata/annotations","value":{}}]',
    ]);
    await rolledOut(scene);
    await eventually(async () => expect(await sizes(scene)).toMatchObject({ 'app:1': 0, 'app:2': 0, 'app:3': 2 }));
    await eventually(async () => expect((await livePods(client, namespace)).map(imageOf)).toEqual(['app:3', 'app:3']));
  });

  it('row 113: created, patched, scaled, status-patched and deleted by collection, with events for each', async () => {
    const { client, kubectl, namespace } = await cluster.scene('deploy');
    const labels = { 'test-deployment-static': 'true' };
    const recording = new Recording(client, deployments, { namespace, labelSelector: 'test-deployment-static=true' });
    await kubectl.apply({ ...deployment('web', { replicas: 2 }), metadata: { name: 'web', labels } });
    const ref = { namespace, name: 'web' };
    await recording.until('ADDED');
    await recording.until('MODIFIED', ({ status }) => status?.availableReplicas === 2);
    const patch = {
      metadata: { labels: { patched: 'true' } },
      spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } },
    };
    await client.patch(deployments, ref, 'strategic', patch);
    await recording.until('MODIFIED', ({ metadata }) => metadata?.labels?.['patched'] === 'true');
    await client.patch(deployments, ref, 'merge', { spec: { replicas: 1 } }, { subresource: 'scale' });
    await recording.until('MODIFIED', ({ spec, status }) => spec?.replicas === 1 && status?.readyReplicas === 1);
    await client.patch(deployments, ref, 'merge', { status: { collisionCount: 5 } }, { subresource: 'status' });
    await recording.until('MODIFIED', ({ status }) => status?.collisionCount === 5);
    const listed = await client.list(deployments, { labelSelector: 'test-deployment-static=true,patched' });
    expect(listed.items.map(nameOf)).toEqual(['web']);
    await client.deleteCollection(deployments, { namespace, labelSelector: 'test-deployment-static=true' });
    await recording.until('DELETED');
    await eventually(async () => expect(await livePods(client, namespace)).toEqual([]));
    recording.stop();
  });

  it('row 114: status is read, updated and patched', async () => {
    const { client, kubectl, namespace } = await cluster.scene('deploy');
    await kubectl.apply(deployment('web'));
    const ref = { namespace, name: 'web' };
    await eventually(async () => expect((await client.get(deployments, ref)).status?.readyReplicas).toBe(1));
    const { status } = await client.get(deployments, ref, { subresource: 'status' });
    expect(status?.conditions?.map(({ type }) => type).sort()).toEqual(['Available', 'Progressing']);
    const updated = await eventually(async () => {
      const present = await client.get(deployments, ref);
      const conditions = [
        ...(present.status?.conditions ?? []),
        { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' },
      ];
      return client.updateStatus(deployments, { ...present, status: { ...present.status, conditions } });
    });
    expect(updated.status?.conditions).toContainEqual(expect.objectContaining({ type: 'StatusUpdate', reason: 'E2E' }));
    const patched = await client.patch(
      deployments,
      ref,
      'merge',
      { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } },
      { subresource: 'status' },
    );
    expect(patched.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
    expect(patched.metadata?.generation).toBe(1);
  });

  it('row 53 and 55: strict creation names what is unknown or repeated', async () => {
    const { kubectl, namespace } = await cluster.scene('deploy');
    const text = JSON.stringify(deployment('web'))
      .replace('"replicas":1', '"replicas":1,"replicas":2,"unknown":true')
      .replace('"name":"web"', '"name":"web","other":1');
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments?fieldValidation=Strict`;
    const said = await kubectl.fails(['create', '--raw', path, '-f', '-'], { input: text });
    for (const problem of [
      'unknown field "metadata.other"',
      'duplicate field "spec.replicas"',
      'unknown field "spec.unknown"',
    ])
      expect(said).toContain(problem);
  });

  it('ignores what belongs to others', async () => {
    const scene = await cluster.scene('deploy');
    const { kubectl, client, namespace } = scene;
    await kubectl.apply(daemonSet('agent', { labels: { app: 'web', by: 'agent' }, selector: { by: 'agent' } }));
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    await kubectl.apply(deployment('web', { replicas: 1 }));
    await rolledOut(scene);
    expect(await livePods(client, namespace, 'by=agent')).toHaveLength(2);
    expect(await livePods(client, namespace, 'app=web')).toHaveLength(3);
  });
});

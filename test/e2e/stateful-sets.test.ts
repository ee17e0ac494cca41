import { describe, expect, it } from 'vitest';
import { controllerRevisions, pods, statefulSets } from '../../lib/client/resources.js';
import type { V1StatefulSet } from '../../lib/schema/generated/types.js';
import { pod, statefulSet } from './manifests.js';
import { imageOf, isReady, livePods, nameOf, putScale, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';
const READY = 'simulated.zeroplane.dev/ready';

const setReady = ({ client, namespace }: Scene, name: string, ready: boolean): Promise<unknown> =>
  client.patch(pods, { namespace, name }, 'merge', { metadata: { annotations: { [READY]: String(ready) } } });

async function withSet(options: Parameters<typeof statefulSet>[1] = {}): Promise<Scene> {
  const scene = await cluster.scene('sets');
  await scene.kubectl.apply(statefulSet('db', { image: 'db:1', ...options }));
  await scene.kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
  return scene;
}

const names = async ({ client, namespace }: Scene): Promise<string[]> =>
  (await livePods(client, namespace)).map(nameOf);

const statusOf = async ({ client, namespace }: Scene): Promise<V1StatefulSet['status']> =>
  (await client.get(statefulSets, { namespace, name: 'db' })).status;

const imagesOf = async ({ client, namespace }: Scene): Promise<string[]> =>
  (await livePods(client, namespace)).map(imageOf);

/** Pods in the order of their first event of a type. */
function order(recording: Recording<object>, type: string): string[] {
  return [...new Set(recording.events.filter((event) => event.type === type).map((event) => nameOf(event.object)))];
}

/** Long enough for anything wrong to happen. */
const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 700));

describe.concurrent('stateful sets', () => {
  it('row 140: under Parallel management scaling goes on with unready pods', async () => {
    const scene = await cluster.scene('sets');
    const { kubectl } = scene;
    await kubectl.apply(
      statefulSet('db', { annotations: { [READY]: 'false' }, spec: { podManagementPolicy: 'Parallel' } }),
    );
    await eventually(async () => expect(await names(scene)).toEqual(['db-0']));
    await kubectl.ok(['scale', 'statefulset/db', '--replicas=3']);
    await eventually(async () => expect(await names(scene)).toEqual(['db-0', 'db-1', 'db-2']));
    expect((await statusOf(scene))?.readyReplicas ?? 0).toBe(0);
    await kubectl.ok(['scale', 'statefulset/db', '--replicas=0']);
    await eventually(async () => expect(await names(scene)).toEqual([]));
  });

  it('row 141: pods come in rising and go in falling order, and an unready one halts both', async () => {
    const scene = await withSet();
    const { client, kubectl, namespace } = scene;
    const recording = new Recording(client, pods, { namespace });
    await recording.until('ADDED');
    await setReady(scene, 'db-0', false);
    await eventually(async () => expect((await statusOf(scene))?.readyReplicas ?? 0).toBe(0));
    await kubectl.ok(['scale', 'statefulset/db', '--replicas=3']);
    await settle();
    expect(await names(scene)).toEqual(['db-0']);
    await setReady(scene, 'db-0', true);
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=3', 'statefulset/db', TIMEOUT]);
    expect(order(recording, 'ADDED')).toEqual(['db-0', 'db-1', 'db-2']);
    for (const name of ['db-0', 'db-1', 'db-2']) await setReady(scene, name, false);
    await eventually(async () => expect((await statusOf(scene))?.readyReplicas ?? 0).toBe(0));
    await kubectl.ok(['scale', 'statefulset/db', '--replicas=0']);
    await settle();
    expect(await names(scene)).toEqual(['db-0', 'db-1', 'db-2']);
    // Each goes as soon as nothing holds it, maybe before it is told here.
    for (const name of ['db-2', 'db-1', 'db-0']) await setReady(scene, name, true).catch(() => undefined);
    await eventually(async () => expect(await names(scene)).toEqual([]));
    await eventually(() => Promise.resolve(expect(order(recording, 'DELETED')).toEqual(['db-2', 'db-1', 'db-0'])));
    recording.stop();
  });

  it('row 142: a pod that its node rejected is made again under the same name', async () => {
    const scene = await cluster.scene('sets');
    const { client, kubectl, namespace } = scene;
    const port = 18_142;
    const taken = {
      containers: [{ name: 'main', image: 'app', ports: [{ containerPort: 80, hostPort: port }] }],
      nodeName: 'node-1',
    };
    await kubectl.apply(pod('occupant', { podSpec: taken }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/occupant', TIMEOUT]);
    const recording = new Recording(client, pods, { namespace, labelSelector: 'app=db' });
    await kubectl.apply(statefulSet('db', { podSpec: taken }));
    const failed = await recording.until('MODIFIED', ({ status }) => status?.phase === 'Failed');
    expect(nameOf(failed)).toBe('db-0');
    await recording.until('DELETED', ({ metadata }) => metadata?.uid === failed.metadata?.uid);
    await kubectl.ok(['delete', 'pod', 'occupant', '--now']);
    await eventually(async () => {
      const present = await client.get(pods, { namespace, name: 'db-0' });
      expect(isReady(present)).toBe(true);
      expect(present.metadata?.uid).not.toBe(failed.metadata?.uid);
    });
    recording.stop();
  });

  it('row 143: the scale subresource reads, updates and patches', async () => {
    const { client, namespace } = await withSet();
    const ref = { namespace, name: 'db' };
    const scale = await putScale(client, statefulSets, ref, 2);
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 } });
    expect((await client.get(statefulSets, ref)).spec?.replicas).toBe(2);
    await client.patch(statefulSets, ref, 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
    expect((await client.get(statefulSets, ref)).spec?.replicas).toBe(4);
    await eventually(async () => expect(await livePods(client, namespace)).toHaveLength(4));
  });

  it('row 144: listed by label, patched and deleted by collection', async () => {
    const { client, namespace } = await withSet();
    const labelSelector = 'app=db';
    await client.patch(statefulSets, { namespace, name: 'db' }, 'strategic', {
      metadata: { labels: { patched: 'yes' } },
      spec: { template: { spec: { terminationGracePeriodSeconds: 3 } } },
    });
    expect(
      (await client.list(statefulSets, { labelSelector: `${labelSelector},patched=yes`, namespace })).items,
    ).toHaveLength(1);
    await client.deleteCollection(statefulSets, { namespace, labelSelector });
    expect((await client.list(statefulSets, { namespace })).items).toEqual([]);
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 145: a rolling update stops at its partition; a deleted pod returns at its proper revision', async () => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
    const scene = await withSet({ replicas: 3, spec: { updateStrategy } });
    const { client, kubectl, namespace } = scene;
    await kubectl.ok(['set', 'image', 'statefulset/db', 'main=db:2']);
    await eventually(async () => expect(await imagesOf(scene)).toEqual(['db:1', 'db:1', 'db:2']));
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=3', 'statefulset/db', TIMEOUT]);
    const status = await statusOf(scene);
    expect(status?.currentRevision).not.toBe(status?.updateRevision);
    expect(status).toMatchObject({ updatedReplicas: 1, currentReplicas: 2 });
    for (const name of ['db-0', 'db-2']) await client.delete(pods, { namespace, name });
    await eventually(async () => {
      const all = await livePods(client, namespace);
      expect(all.map((one) => `${nameOf(one)} ${imageOf(one)} ${isReady(one)}`)).toEqual([
        'db-0 db:1 true',
        'db-1 db:1 true',
        'db-2 db:2 true',
      ]);
    });
    await kubectl.ok([
      'patch',
      'statefulset',
      'db',
      '-p',
      '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}',
    ]);
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await imagesOf(scene)).toEqual(['db:2', 'db:2', 'db:2']);
  });

  it('row 146: template changes roll in reverse order; going back uses the old revision again', async () => {
    const scene = await withSet({ replicas: 3 });
    const { client, kubectl, namespace } = scene;
    const before = await statusOf(scene);
    expect(before?.currentRevision).toBe(before?.updateRevision);
    const recording = new Recording(client, pods, { namespace });
    await recording.until('ADDED', (one) => nameOf(one) === 'db-2');
    await kubectl.ok(['set', 'image', 'statefulset/db', 'main=db:2']);
    await eventually(async () => expect((await statusOf(scene))?.updateRevision).not.toBe(before?.updateRevision));
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await imagesOf(scene)).toEqual(['db:2', 'db:2', 'db:2']);
    await eventually(() => Promise.resolve(expect(order(recording, 'DELETED')).toEqual(['db-2', 'db-1', 'db-0'])));
    const after = await eventually(async () => {
      const status = await statusOf(scene);
      expect(status?.currentRevision).toBe(status?.updateRevision);
      return status;
    });
    expect(after?.currentRevision).not.toBe(before?.currentRevision);
    await kubectl.ok(['rollout', 'undo', 'statefulset/db']);
    await eventually(async () => expect((await statusOf(scene))?.updateRevision).toBe(before?.updateRevision));
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await imagesOf(scene)).toEqual(['db:1', 'db:1', 'db:1']);
    expect((await client.list(controllerRevisions, { namespace })).items).toHaveLength(2);
    recording.stop();
  });

  it('row 147: status is read, updated and patched', async () => {
    const scene = await withSet();
    const { client, namespace } = scene;
    const ref = { namespace, name: 'db' };
    expect((await client.get(statefulSets, ref, { subresource: 'status' })).status).toMatchObject({
      replicas: 1,
      readyReplicas: 1,
    });
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E' };
    const updated = await eventually(async () => {
      const present = await client.get(statefulSets, ref);
      return client.updateStatus(statefulSets, {
        ...present,
        status: { ...present.status, replicas: 1, conditions: [condition] },
      });
    });
    expect(updated.status?.conditions).toEqual([expect.objectContaining(condition)]);
    const patched = await client.patch(
      statefulSets,
      ref,
      'merge',
      { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } },
      { subresource: 'status' },
    );
    expect(patched.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  });

  it('names, host names and labels of its pods stay when they come again', async () => {
    const scene = await withSet({ replicas: 2 });
    const { client, namespace } = scene;
    const [, before] = await livePods(client, namespace);
    await client.delete(pods, { namespace, name: 'db-1' });
    const after = await eventually(async () => {
      const present = await client.get(pods, { namespace, name: 'db-1' });
      expect(isReady(present)).toBe(true);
      expect(present.metadata?.uid).not.toBe(before?.metadata?.uid);
      return present;
    });
    expect(after.spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(after.metadata?.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
    });
  });
});

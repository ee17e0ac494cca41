import { describe, expect, it } from 'vitest';
import { controllerRevisions, daemonSets, nodes, pods } from '../../lib/client/resources.js';
import { daemonSet } from './manifests.js';
import { imageOf, livePods, nameOf } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster({ nodes: 3 });

const TIMEOUT = '--timeout=25s';

async function withDaemons(options: Parameters<typeof daemonSet>[1] = {}): Promise<Scene> {
  const scene = await cluster.scene('daemons');
  await scene.kubectl.apply(daemonSet('agent', { image: 'agent:1', ...options }));
  await scene.kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
  return scene;
}

const nodesOf = async ({ client, namespace }: Scene): Promise<string[]> =>
  (await livePods(client, namespace)).map((pod) => pod.spec?.nodeName ?? '').sort();

const revisionsOf = async ({ client, namespace }: Scene): Promise<{ name: string; revision: number }[]> =>
  (await client.list(controllerRevisions, { namespace })).items
    .map((one) => ({ name: nameOf(one), revision: Number(one.revision) }))
    .sort((one, other) => one.revision - other.revision);

describe.concurrent('daemon sets', () => {
  it('row 94: template changes add revisions, which can be listed, patched, updated, created and deleted', async () => {
    const scene = await withDaemons();
    const { client, kubectl, namespace } = scene;
    const [first, ...others] = await revisionsOf(scene);
    expect(others).toEqual([]);
    expect(first?.revision).toBe(1);
    const ref = { namespace, name: first?.name ?? '' };
    const patched = await client.patch(controllerRevisions, ref, 'merge', { metadata: { labels: { patched: 'yes' } } });
    const updated = await client.update(controllerRevisions, {
      ...patched,
      metadata: { ...patched.metadata, labels: { ...patched.metadata?.labels, updated: 'yes' } },
    });
    expect(updated.metadata?.labels).toMatchObject({ patched: 'yes', updated: 'yes' });
    await client.create(controllerRevisions, {
      ...updated,
      metadata: { namespace, name: `${ref.name}-copy`, labels: updated.metadata?.labels ?? {} },
      revision: 2,
    });
    expect(await revisionsOf(scene)).toHaveLength(2);
    await client.delete(controllerRevisions, { namespace, name: `${ref.name}-copy` });
    await kubectl.ok(['set', 'image', 'daemonset/agent', 'main=agent:2']);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    const after = await revisionsOf(scene);
    expect(after).toHaveLength(2);
    expect(after[1]?.revision).toBeGreaterThan(1);
    await client.deleteCollection(controllerRevisions, { namespace, labelSelector: 'updated=yes' });
    await eventually(async () => expect((await revisionsOf(scene)).map(({ name }) => name)).toEqual([after[1]?.name]));
  });

  it('row 100: listed by label and deleted by collection', async () => {
    const { client, namespace } = await withDaemons();
    const labelSelector = 'app=agent';
    expect((await client.list(daemonSets, { namespace, labelSelector })).items.map(nameOf)).toEqual(['agent']);
    await client.deleteCollection(daemonSets, { namespace, labelSelector });
    expect((await client.list(daemonSets, { namespace })).items).toEqual([]);
    await eventually(async () => expect((await client.list(pods, { namespace })).items).toEqual([]));
  });

  it('row 101: a failed daemon pod is replaced on its node', async () => {
    const scene = await withDaemons();
    const { client, namespace } = scene;
    const [first] = await livePods(client, namespace);
    const ref = { namespace, name: nameOf(first ?? {}) };
    await client.patch(pods, ref, 'merge', { status: { phase: 'Failed' } }, { subresource: 'status' });
    await eventually(async () => {
      const now = await livePods(client, namespace);
      expect(now.map(nameOf)).not.toContain(ref.name);
      expect(now.map((pod) => pod.status?.phase)).toEqual(['Running', 'Running', 'Running']);
    });
    expect(await nodesOf(scene)).toEqual(['node-1', 'node-2', 'node-3']);
  });

  it('row 102: undoing a half-done bad rollout leaves the pods that it had not reached', async () => {
    const scene = await withDaemons();
    const { client, kubectl, namespace } = scene;
    const annotations = { 'simulated.zeroplane.dev/pull': 'error' };
    const patch = {
      spec: { template: { metadata: { annotations }, spec: { containers: [{ name: 'main', image: 'agent:bad' }] } } },
    };
    await kubectl.ok(['patch', 'daemonset', 'agent', '-p', JSON.stringify(patch)]);
    const untouched = await eventually(async () => {
      const now = await livePods(client, namespace);
      expect(now.filter((pod) => imageOf(pod) === 'agent:bad')).toHaveLength(1);
      return now.filter((pod) => imageOf(pod) === 'agent:1');
    });
    expect(untouched).toHaveLength(2);
    await kubectl.ok(['rollout', 'undo', 'daemonset/agent']);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    const after = await livePods(client, namespace);
    expect(after.map(imageOf)).toEqual(['agent:1', 'agent:1', 'agent:1']);
    for (const pod of untouched) expect(after.map((one) => one.metadata?.uid)).toContain(pod.metadata?.uid);
  });

  it('row 103: node labels and the selector start and stop pods', async () => {
    const scene = await cluster.scene('daemons');
    const { client, kubectl } = scene;
    await kubectl.apply(
      daemonSet('agent', {
        podSpec: { containers: [{ name: 'main', image: 'agent' }], nodeSelector: { color: 'blue' } },
      }),
    );
    await eventually(async () =>
      expect(
        await kubectl.path(
          ['get', 'daemonset', 'agent'],
          '{.status.observedGeneration} {.status.desiredNumberScheduled}',
        ),
      ).toBe('1 0'),
    );
    await client.patch(nodes, { name: 'node-1' }, 'merge', { metadata: { labels: { color: 'blue' } } });
    await eventually(async () => expect(await nodesOf(scene)).toEqual(['node-1']));
    await kubectl.ok(['label', 'node', 'node-1', 'color=green', '--overwrite']);
    await eventually(async () => expect(await nodesOf(scene)).toEqual([]));
    await kubectl.ok(['label', 'node', 'node-2', 'color=green']);
    await kubectl.ok([
      'patch',
      'daemonset',
      'agent',
      '-p',
      '{"spec":{"template":{"spec":{"nodeSelector":{"color":"green"}}}}}',
    ]);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    await eventually(async () => expect(await nodesOf(scene)).toEqual(['node-1', 'node-2']));
    await kubectl.ok(['label', 'nodes', 'node-1', 'node-2', 'color-']);
  });

  it('row 104: one pod on each node, and a deleted one comes again', async () => {
    const scene = await withDaemons();
    const { client, namespace } = scene;
    expect(await nodesOf(scene)).toEqual(['node-1', 'node-2', 'node-3']);
    const [first] = await livePods(client, namespace);
    await client.delete(pods, { namespace, name: nameOf(first ?? {}) });
    await eventually(async () => {
      const now = await livePods(client, namespace);
      expect(now.map(nameOf)).not.toContain(nameOf(first ?? {}));
      expect(now.map((pod) => pod.status?.phase)).toEqual(['Running', 'Running', 'Running']);
    });
    expect(await nodesOf(scene)).toEqual(['node-1', 'node-2', 'node-3']);
  });

  it('row 105: rolling update replaces pods and records a new hash', async () => {
    const scene = await withDaemons();
    const { client, kubectl, namespace } = scene;
    const hashes = async () => [
      ...new Set((await livePods(client, namespace)).map((pod) => pod.metadata?.labels?.['controller-revision-hash'])),
    ];
    const before = await hashes();
    expect(before).toHaveLength(1);
    await kubectl.ok(['set', 'image', 'daemonset/agent', 'main=agent:2']);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    expect((await livePods(client, namespace)).map(imageOf)).toEqual(['agent:2', 'agent:2', 'agent:2']);
    const after = await hashes();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    expect((await revisionsOf(scene)).map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('row 106: status is read, updated and patched', async () => {
    const { client, namespace } = await withDaemons();
    const ref = { namespace, name: 'agent' };
    expect((await client.get(daemonSets, ref, { subresource: 'status' })).status).toMatchObject({
      desiredNumberScheduled: 3,
      numberReady: 3,
    });
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' };
    const updated = await eventually(async () => {
      const present = await client.get(daemonSets, ref);
      return client.updateStatus(daemonSets, {
        ...present,
        status: { ...present.status, conditions: [condition] } as NonNullable<typeof present.status>,
      });
    });
    expect(updated.status?.conditions).toEqual([expect.objectContaining(condition)]);
    const patched = await client.patch(
      daemonSets,
      ref,
      'merge',
      { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } },
      { subresource: 'status' },
    );
    expect(patched.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  });
});

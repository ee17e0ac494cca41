import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { V1ObjectMeta } from '../../lib/schema/generated/types.js';
import { cronJob, deployment, pod, service, statefulSet } from './manifests.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';

interface List {
  items: { metadata: V1ObjectMeta }[];
}

describe.concurrent('kubectl delete', () => {
  it('a deployment takes its replica sets and pods along', async () => {
    const { kubectl } = await cluster.scene('delete');
    await kubectl.apply(deployment('web', { replicas: 2 }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await kubectl.ok(['delete', 'deployment', 'web'])).toMatch(/^deployment\.apps "web" deleted/);
    await eventually(async () => expect(await kubectl.ok(['get', 'all', '-o', 'name'])).toBe(''));
    expect(await kubectl.fails(['delete', 'deployment', 'web'])).toBe(
      'Error from server (NotFound): deployments.apps "web" not found\n',
    );
    expect(await kubectl.ok(['delete', 'deployment', 'web', '--ignore-not-found'])).toBe('');
  });

  it('--cascade=orphan leaves replica sets and pods, which a new deployment adopts', async () => {
    const { kubectl } = await cluster.scene('delete');
    await kubectl.apply(deployment('web', { replicas: 2 }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    const pods = await kubectl.path(['get', 'pods'], '{.items[*].metadata.uid}');
    await kubectl.ok(['delete', 'deployment', 'web', '--cascade=orphan']);
    await eventually(async () => expect(await kubectl.ok(['get', 'deployments', '-o', 'name'])).toBe(''));
    const { items } = await kubectl.json<List>(['get', 'replicasets']);
    expect(items).toHaveLength(1);
    expect(items[0]?.metadata.ownerReferences ?? []).toEqual([]);
    expect(items[0]?.metadata.deletionTimestamp).toBeUndefined();
    await kubectl.apply(deployment('web', { replicas: 2 }));
    await eventually(async () =>
      expect(await kubectl.path(['get', 'replicasets'], '{.items[*].metadata.ownerReferences[*].kind}')).toBe(
        'Deployment',
      ),
    );
    expect(await kubectl.path(['get', 'pods'], '{.items[*].metadata.uid}')).toBe(pods);
  });

  it('--cascade=foreground: the owner goes last', async () => {
    const { kubectl } = await cluster.scene('delete');
    const finalizers = ['example.org/hold'];
    await kubectl.apply(deployment('web'));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    const [name = ''] = (await kubectl.ok(['get', 'pods', '-o', 'name'])).trim().split('\n');
    await kubectl.ok(['patch', name, '--type=merge', '-p', JSON.stringify({ metadata: { finalizers } })]);
    await kubectl.ok(['delete', 'deployment', 'web', '--cascade=foreground', '--wait=false']);
    const held = '{.metadata.finalizers} {.metadata.deletionTimestamp}';
    await eventually(async () =>
      expect(await kubectl.path(['get', name], '{.metadata.deletionTimestamp}')).not.toBe(''),
    );
    expect(await kubectl.path(['get', 'deployment', 'web'], held)).toMatch(/^\["foregroundDeletion"\] \d{4}-/);
    expect(await kubectl.path(['get', 'replicasets'], '{.items[*].metadata.finalizers}')).toBe(
      '["foregroundDeletion"]',
    );
    await kubectl.ok(['patch', name, '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]']);
    await kubectl.ok(['wait', '--for=delete', 'deployment/web', TIMEOUT]);
    expect(await kubectl.ok(['get', 'all', '-o', 'name'])).toBe('');
  });

  it('by label, all, by file, several kinds at once', async () => {
    const { kubectl } = await cluster.scene('delete');
    for (const name of ['a', 'b', 'c']) await kubectl.ok(['create', 'configmap', name]);
    await kubectl.ok(['label', 'configmap', 'a', 'b', 'part=one']);
    expect(await kubectl.ok(['delete', 'configmaps', '-l', 'part=one'])).toMatch(
      /^configmap "a" deleted.*\nconfigmap "b" deleted.*\n$/,
    );
    const file = path.join(cluster.folder(), 'c.json');
    writeFileSync(file, await kubectl.ok(['get', 'configmap', 'c', '-o', 'json']));
    expect(await kubectl.ok(['delete', '-f', file])).toMatch(/^configmap "c" deleted/);
    await kubectl.apply(service('web'), pod('one'), pod('two'));
    expect(await kubectl.ok(['delete', 'pods,services', '--all', '--dry-run=server'])).toMatch(
      /pod "one" deleted.*\(server dry run\)/,
    );
    expect(await kubectl.ok(['delete', 'pods,services', '--all', '--now'])).toMatch(
      /pod "one" deleted[^]*pod "two" deleted[^]*service "web" deleted/,
    );
    await eventually(async () => expect(await kubectl.ok(['get', 'pods,services', '-o', 'name'])).toBe(''));
    expect(await kubectl.fails(['delete', 'pods'])).toContain('resource(s) were provided, but no name was specified');
  });

  it('--grace-period=0 --force removes a pod that something holds back', async () => {
    const { kubectl } = await cluster.scene('delete');
    const stuck = pod('stuck', {
      podSpec: { containers: [{ name: 'main', image: 'nginx' }], nodeName: 'node-that-is-not' },
    });
    await kubectl.apply(stuck);
    await kubectl.ok(['delete', 'pod', 'stuck', '--wait=false']);
    expect(await kubectl.path(['get', 'pod', 'stuck'], '{.metadata.deletionGracePeriodSeconds}')).toBe('30');
    const { stdout, stderr } = await kubectl.run(['delete', 'pod', 'stuck', '--grace-period=0', '--force']);
    expect(stderr).toContain('Immediate deletion does not wait for confirmation');
    expect(stdout).toMatch(/^pod "stuck" force deleted/);
    expect(await kubectl.ok(['get', 'pod', 'stuck', '--ignore-not-found'])).toBe('');
  });

  it('a namespace takes all that is in it along, and can be made again', async () => {
    const { kubectl, namespace } = await cluster.scene('delete');
    await kubectl.apply(
      deployment('web', { replicas: 2 }),
      service('web'),
      statefulSet('db'),
      cronJob('tick', '0 0 1 1 *'),
    );
    await kubectl.ok(['create', 'secret', 'generic', 'secret']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await cluster.kubectl.ok(['delete', 'namespace', namespace])).toMatch(
      new RegExp(`^namespace "${namespace}" deleted`),
    );
    expect(await cluster.kubectl.ok(['get', 'namespace', namespace, '--ignore-not-found'])).toBe('');
    await cluster.kubectl.ok(['create', 'namespace', namespace]);
    const kinds = 'all,secrets,statefulsets,cronjobs,endpoints,endpointslices,events,controllerrevisions';
    expect(await kubectl.ok(['get', kinds, '-o', 'name'])).toBe('');
    await kubectl.apply(pod('again'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/again', TIMEOUT]);
  });

  it('a namespace that is going takes nothing new, and waits for finalizers', async () => {
    const { kubectl, namespace } = await cluster.scene('delete');
    await kubectl.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'held', finalizers: ['example.org/hold'] } as object,
    });
    await cluster.kubectl.ok(['delete', 'namespace', namespace, '--wait=false']);
    await eventually(async () =>
      expect(await cluster.kubectl.ok(['get', 'namespace', namespace, '--no-headers'])).toMatch(/ Terminating /),
    );
    expect(await kubectl.fails(['create', 'configmap', 'late'])).toContain(
      `configmaps "late" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated\n`,
    );
    await eventually(async () =>
      expect(
        await cluster.kubectl.path(
          ['get', 'namespace', namespace],
          '{.status.conditions[?(@.type=="NamespaceFinalizersRemaining")].message}',
        ),
      ).toBe('Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances'),
    );
    await kubectl.ok([
      'patch',
      'configmap',
      'held',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/metadata/finalizers"}]',
    ]);
    await cluster.kubectl.ok(['wait', '--for=delete', `namespace/${namespace}`, TIMEOUT]);
  });

  it('what must stay is refused', async () => {
    for (const namespace of ['default', 'kube-system', 'kube-public']) {
      expect(await cluster.kubectl.fails(['delete', 'namespace', namespace])).toContain(
        `namespaces "${namespace}" is forbidden: this namespace may not be deleted`,
      );
    }
  });
});

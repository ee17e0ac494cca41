import { describe, expect, it } from 'vitest';
import { daemonSet, deployment, pod } from './manifests.js';
import { eventually } from '../support/eventually.js';
import type { Kubectl } from '../support/kubectl.js';
import { useCluster } from '../support/e2e.js';

/** Each test has nodes of its own, since they change them. */
const cluster = useCluster({ nodes: 6 });

const TIMEOUT = '--timeout=25s';

const nodesOf = async (kubectl: Kubectl, selector: string): Promise<string[]> =>
  (await kubectl.path(['get', 'pods', '-l', selector], '{.items[*].spec.nodeName}'))
    .split(' ')
    .filter((node) => node !== '')
    .sort();

/** A pod spec that may run on these nodes only. */
const on = (...nodes: string[]): object => ({
  containers: [{ name: 'main', image: 'nginx' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }] }],
      },
    },
  },
});

describe.concurrent('kubectl and nodes', () => {
  it('cordon keeps new pods away, uncordon lets them come', async () => {
    const { kubectl } = await cluster.scene('cordon');
    expect(await kubectl.ok(['cordon', 'node-1'])).toBe('node/node-1 cordoned\n');
    expect(await kubectl.ok(['cordon', 'node-1'])).toBe('node/node-1 already cordoned\n');
    expect(await kubectl.ok(['get', 'node', 'node-1', '--no-headers'])).toMatch(/^node-1 +Ready,SchedulingDisabled /);
    await eventually(async () =>
      expect(await kubectl.path(['get', 'node', 'node-1'], '{.spec.taints[*].key}')).toBe(
        'node.kubernetes.io/unschedulable',
      ),
    );
    await kubectl.apply(pod('waits', { podSpec: on('node-1') }));
    await kubectl.ok([
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable',
      'pod/waits',
      TIMEOUT,
    ]);
    const message = await kubectl.path(
      ['get', 'pod', 'waits'],
      '{.status.conditions[?(@.type=="PodScheduled")].message}',
    );
    // The reasons are sorted as text, with their counts, which other tests on other nodes change.
    for (const part of [
      /^0\/6 nodes are available: /,
      /\d node\(s\) were unschedulable/,
      /\d node\(s\) didn't match Pod's node affinity\/selector/,
    ]) {
      expect(message).toMatch(part);
    }
    expect(await kubectl.ok(['uncordon', 'node-1'])).toBe('node/node-1 uncordoned\n');
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/waits', TIMEOUT]);
    expect(await kubectl.path(['get', 'node', 'node-1'], '{.spec}')).not.toContain('unschedulable');
  });

  it('top: simulated nodes and their containers use nothing', async () => {
    const { kubectl } = await cluster.scene('top');
    await kubectl.apply(pod('used'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/used', TIMEOUT]);
    await eventually(async () =>
      expect(await kubectl.ok(['top', 'pods', '--containers', '--no-headers'])).toMatch(/^used +main +0m +0Mi *\n$/),
    );
    const rows = (await kubectl.ok(['top', 'nodes', '--no-headers'])).trim().split('\n');
    expect(rows).toHaveLength(6);
    expect(rows[0]).toMatch(/^node-1 +0m +0% +0Mi +0% *$/);
    expect(await kubectl.ok(['get', 'apiservice', 'v1beta1.metrics.k8s.io', '--no-headers'])).toMatch(
      /^v1beta1\.metrics\.k8s\.io +Local +True /,
    );
    expect(await kubectl.ok(['explain', 'podmetrics.containers.usage'])).toContain('memory working set');
  });

  it('drain empties a node, asks for its flags, and honours disruption budgets', async () => {
    const { kubectl, namespace } = await cluster.scene('drain');
    await kubectl.apply(
      deployment('web', { replicas: 2, podSpec: on('node-2', 'node-3') }),
      daemonSet('agent', { podSpec: on('node-2', 'node-3') }),
      pod('bare', { podSpec: on('node-2') }),
    );
    await kubectl.ok(['create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=1']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/bare', TIMEOUT]);
    const drain = (...flags: string[]) => [
      'drain',
      'node-2',
      `--pod-selector=app in (web,agent,bare)`,
      TIMEOUT,
      ...flags,
    ];
    const refusal = await kubectl.fails(drain());
    expect(refusal).toContain('cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)');
    expect(refusal).toContain('cannot delete Pods that declare no controller (use --force to override)');
    await kubectl.ok(['uncordon', 'node-2']);
    await eventually(async () =>
      expect(await kubectl.path(['get', 'pdb', 'web'], '{.status.disruptionsAllowed}')).toBe('1'),
    );
    const said = await kubectl.ok(drain('--ignore-daemonsets', '--force', '--delete-emptydir-data'));
    expect(said).toContain(`evicting pod ${namespace}/bare`);
    expect(said).toMatch(/node\/node-2 drained\n$/);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await nodesOf(kubectl, 'app=web')).toEqual(['node-3', 'node-3']);
    expect(await nodesOf(kubectl, 'app=agent')).toEqual(['node-2', 'node-3']);
    expect(await kubectl.ok(['get', 'pod', 'bare', '--ignore-not-found'])).toBe('');
    await kubectl.ok(['uncordon', 'node-2']);
  });

  it('drain waits as long as a budget allows no disruption', async () => {
    const { kubectl } = await cluster.scene('drain');
    await kubectl.apply(deployment('web', { podSpec: on('node-4', 'node-5') }));
    await kubectl.ok(['create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=1']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'pdb', 'web', '--no-headers'])).toMatch(/^web +1 +N\/A +0 /),
    );
    const [node = ''] = await nodesOf(kubectl, 'app=web');
    const blocked = await kubectl.fails(['drain', node, '--pod-selector=app=web', '--timeout=3s']);
    expect(blocked).toContain("Cannot evict pod as it would violate the pod's disruption budget");
    expect(await nodesOf(kubectl, 'app=web')).toEqual([node]);
    await kubectl.ok(['patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":0}}']);
    await kubectl.ok(['drain', node, '--pod-selector=app=web', TIMEOUT]);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await eventually(async () =>
      expect(await nodesOf(kubectl, 'app=web')).toEqual([node === 'node-4' ? 'node-5' : 'node-4']),
    );
    await kubectl.ok(['uncordon', node]);
  });

  it('taint: NoSchedule keeps away, NoExecute drives out, tolerations help', async () => {
    const { kubectl } = await cluster.scene('taint');
    const tolerations = [{ key: 'team', operator: 'Equal', value: 'blue', effect: 'NoExecute' }];
    await kubectl.apply(
      pod('goes', { podSpec: on('node-6') }),
      pod('stays', { podSpec: { ...on('node-6'), tolerations } }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/goes', 'pod/stays', TIMEOUT]);
    expect(await kubectl.ok(['taint', 'node', 'node-6', 'team=blue:NoSchedule'])).toBe('node/node-6 tainted\n');
    await kubectl.apply(pod('late', { podSpec: on('node-6') }));
    await kubectl.ok([
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable',
      'pod/late',
      TIMEOUT,
    ]);
    expect(
      await kubectl.path(['get', 'pod', 'late'], '{.status.conditions[?(@.type=="PodScheduled")].message}'),
    ).toMatch(/\d node\(s\) had untolerated taint(s|\(s\)| \{team: blue\})/);
    expect(await kubectl.ok(['get', 'pods', 'goes', '--no-headers'])).toMatch(/ Running /);
    expect(await kubectl.fails(['taint', 'node', 'node-6', 'team=blue:NoSchedule'])).toContain(
      'already has team taint(s) with same effect(s)',
    );
    await kubectl.ok(['taint', 'node', 'node-6', 'team=blue:NoExecute']);
    await kubectl.ok(['wait', '--for=delete', 'pod/goes', TIMEOUT]);
    expect(await kubectl.ok(['get', 'pod', 'stays', '--no-headers'])).toMatch(/ Running /);
    expect(await kubectl.ok(['taint', 'node', 'node-6', 'team-'])).toBe('node/node-6 untainted\n');
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/late', TIMEOUT]);
    expect(await kubectl.path(['get', 'node', 'node-6'], '{.spec.taints}')).toBe('');
  });
});

import { describe, expect, it } from 'vitest';
import { daemonSet, deployment, replicationController, statefulSet } from './manifests.js';
import { eventually } from '../support/eventually.js';
import type { Kubectl } from '../support/kubectl.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

const TIMEOUT = '--timeout=25s';
const IMAGE = '{.spec.template.spec.containers[0].image}';

/** Images of the pods that run and are not on their way out. */
async function runningImages(kubectl: Kubectl, app: string): Promise<string[]> {
  const { items } = await kubectl.json<{
    items: { metadata: { deletionTimestamp?: string }; spec: { containers: [{ image: string }] } }[];
  }>(['get', 'pods', '-l', `app=${app}`, '--field-selector=status.phase=Running']);
  return items.filter((pod) => pod.metadata.deletionTimestamp === undefined).map((pod) => pod.spec.containers[0].image);
}

describe.concurrent('kubectl scale and autoscale', () => {
  it('up, down, and only from where it is', async () => {
    const { kubectl } = await cluster.scene('scale');
    await kubectl.apply(deployment('web'));
    expect(await kubectl.ok(['scale', 'deployment/web', '--replicas=4'])).toBe('deployment.apps/web scaled\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await runningImages(kubectl, 'web')).toHaveLength(4);
    expect(await kubectl.fails(['scale', 'deployment/web', '--current-replicas=3', '--replicas=1'])).toContain(
      'Expected replicas to be 3, was 4',
    );
    expect(await kubectl.fails(['scale', 'deployment/web', '--resource-version=1', '--replicas=1'])).toContain(
      'Expected resource version to be 1',
    );
    await kubectl.ok(['scale', 'deployment/web', '--current-replicas=4', '--replicas=0']);
    await eventually(async () => expect(await kubectl.ok(['get', 'pods', '-o', 'name'])).toBe(''));
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'deployment', 'web', '--no-headers'])).toMatch(/^web +0\/0 +0 +0 /),
    );
  });

  it('stateful sets, replica sets and replication controllers', async () => {
    const { kubectl } = await cluster.scene('scale');
    await kubectl.apply(statefulSet('db'), replicationController('old'));
    expect(await kubectl.ok(['scale', 'statefulset/db', 'rc/old', '--replicas=2'])).toBe(
      'statefulset.apps/db scaled\nreplicationcontroller/old scaled\n',
    );
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await kubectl.ok(['get', 'pods', '-l', 'app=db', '-o', 'name'])).toBe('pod/db-0\npod/db-1\n');
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'rc/old', TIMEOUT]);
  });

  it('autoscale is kept, with a warning', async () => {
    const { kubectl } = await cluster.scene('scale');
    await kubectl.apply(deployment('web'));
    const { stdout, stderr } = await kubectl.run(['autoscale', 'deployment', 'web', '--min=1', '--max=3', '--cpu=80%']);
    expect(stdout).toBe('horizontalpodautoscaler.autoscaling/web autoscaled\n');
    expect(stderr).toMatch(/^Warning: /m);
    expect(await kubectl.ok(['get', 'hpa', 'web', '--no-headers'])).toMatch(
      /^web +Deployment\/web +cpu: <unknown>\/80% +1 +3 +0 /,
    );
  });
});

describe.concurrent('kubectl set', () => {
  it('image, env, resources and serviceaccount roll a deployment', async () => {
    const { kubectl } = await cluster.scene('set');
    await kubectl.apply(deployment('web', { replicas: 2 }));
    expect(await kubectl.ok(['set', 'image', 'deployment/web', 'main=nginx:1.28'])).toBe(
      'deployment.apps/web image updated\n',
    );
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.28', 'nginx:1.28']);
    expect(await kubectl.ok(['set', 'env', 'deployment/web', 'A=1', 'B=2'])).toBe('deployment.apps/web env updated\n');
    await kubectl.ok(['set', 'env', 'deployment/web', 'B-']);
    expect(await kubectl.ok(['set', 'env', 'deployment/web', '--list'])).toBe(
      '# Deployment web, container main\nA=1\n',
    );
    await kubectl.ok(['set', 'resources', 'deployment/web', '--requests=cpu=100m', '--limits=memory=64Mi']);
    await kubectl.ok(['create', 'serviceaccount', 'robot']);
    await kubectl.ok(['set', 'serviceaccount', 'deployment/web', 'robot']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    const [pod] = (await kubectl.json<{ items: { spec: object }[] }>(['get', 'pods', '-l', 'app=web'])).items.slice(-1);
    expect(pod?.spec).toMatchObject({ serviceAccountName: 'robot' });
    const values = '{.spec.template.spec.containers[0].resources} {.spec.template.spec.serviceAccountName}';
    expect(await kubectl.path(['get', 'deployment', 'web'], values)).toBe(
      '{"limits":{"memory":"64Mi"},"requests":{"cpu":"100m"}} robot',
    );
  });

  it('selector of a service, subject of a role binding', async () => {
    const { kubectl } = await cluster.scene('set');
    await kubectl.ok(['create', 'service', 'clusterip', 'web', '--tcp=80']);
    expect(await kubectl.ok(['set', 'selector', 'service/web', 'app=other'])).toBe('service/web selector updated\n');
    expect(await kubectl.path(['get', 'service', 'web'], '{.spec.selector}')).toBe('{"app":"other"}');
    await kubectl.ok(['create', 'role', 'reader', '--verb=get', '--resource=pods']);
    await kubectl.ok(['create', 'rolebinding', 'readers', '--role=reader', '--user=jane']);
    await kubectl.ok(['set', 'subject', 'rolebinding/readers', '--user=joe']);
    expect(await kubectl.path(['get', 'rolebinding', 'readers'], '{.subjects[*].name}')).toBe('jane joe');
  });
});

describe.concurrent('kubectl rollout of a deployment', () => {
  it('status, history, undo, to a revision too', async () => {
    const { kubectl } = await cluster.scene('rollout');
    await kubectl.apply(deployment('web', { replicas: 2, image: 'nginx:1.26' }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await kubectl.ok(['annotate', 'deployment/web', 'kubernetes.io/change-cause=first']);
    await kubectl.ok(['set', 'image', 'deployment/web', 'main=nginx:1.27']);
    await kubectl.ok(['annotate', 'deployment/web', 'kubernetes.io/change-cause=second', '--overwrite']);
    const said = await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(said).toMatch(/deployment "web" successfully rolled out\n$/);
    await eventually(async () =>
      expect(await kubectl.ok(['rollout', 'history', 'deployment/web'])).toMatch(
        /^deployment\.apps\/web \nREVISION +CHANGE-CAUSE\n1 +first\n2 +second\n/,
      ),
    );
    expect(await kubectl.ok(['rollout', 'history', 'deployment/web', '--revision=1'])).toMatch(/Image:\s+nginx:1\.26/);
    expect(await kubectl.ok(['rollout', 'undo', 'deployment/web'])).toBe('deployment.apps/web rolled back\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.26', 'nginx:1.26']);
    expect(await kubectl.ok(['rollout', 'history', 'deployment/web'])).toMatch(/CHANGE-CAUSE\n2 +second\n3 +first\n/);
    await kubectl.ok(['rollout', 'undo', 'deployment/web', '--to-revision=2']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.27', 'nginx:1.27']);
    expect(
      await kubectl.path(['get', 'deployment', 'web'], '{.metadata.annotations.deployment\\.kubernetes\\.io/revision}'),
    ).toBe('4');
    expect(await kubectl.fails(['rollout', 'undo', 'deployment/web', '--to-revision=99'])).toContain(
      'unable to find specified revision 99',
    );
  });

  it('pause and resume', async () => {
    const { kubectl } = await cluster.scene('rollout');
    await kubectl.apply(deployment('web', { image: 'nginx:1.26' }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await kubectl.ok(['rollout', 'pause', 'deployment/web'])).toBe('deployment.apps/web paused\n');
    await kubectl.ok(['set', 'image', 'deployment/web', 'main=nginx:1.27']);
    await kubectl.ok([
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=DeploymentPaused',
      'deployment/web',
      TIMEOUT,
    ]);
    expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.26']);
    expect((await kubectl.ok(['get', 'replicasets', '-o', 'name'])).trim().split('\n')).toHaveLength(1);
    await kubectl.ok(['scale', 'deployment/web', '--replicas=2']);
    await eventually(async () => expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.26', 'nginx:1.26']));
    expect(await kubectl.fails(['rollout', 'restart', 'deployment/web'])).toContain("can't restart paused deployment");
    expect(await kubectl.ok(['rollout', 'resume', 'deployment/web'])).toBe('deployment.apps/web resumed\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(await runningImages(kubectl, 'web')).toEqual(['nginx:1.27', 'nginx:1.27']);
  });

  it('restart replaces all pods', async () => {
    const { kubectl } = await cluster.scene('rollout');
    await kubectl.apply(deployment('web', { replicas: 2 }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    const before = (await kubectl.ok(['get', 'pods', '-o', 'name'])).trim().split('\n');
    expect(await kubectl.ok(['rollout', 'restart', 'deployment/web'])).toBe('deployment.apps/web restarted\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await eventually(async () => {
      const after = (await kubectl.ok(['get', 'pods', '-o', 'name'])).trim().split('\n');
      expect(after).toHaveLength(2);
      expect(after.filter((name) => before.includes(name))).toEqual([]);
    });
    expect(
      await kubectl.path(
        ['get', 'deployment', 'web'],
        '{.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}',
      ),
    ).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('a rollout that does not get ready keeps the old pods and says so', async () => {
    const { kubectl } = await cluster.scene('rollout');
    const annotations = { 'simulated.zeroplane.dev/ready': 'false' };
    await kubectl.apply(deployment('web', { replicas: 3, image: 'nginx:1.26' }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await kubectl.apply(
      deployment('web', { replicas: 3, image: 'nginx:1.27', annotations, spec: { progressDeadlineSeconds: 3 } }),
    );
    const { code, stdout, stderr } = await kubectl.run(['rollout', 'status', 'deployment/web', TIMEOUT]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...\n',
    );
    expect(stderr).toBe('error: deployment "web" exceeded its progress deadline\n');
    expect(await kubectl.ok(['get', 'deployment', 'web', '--no-headers'])).toMatch(/^web +3\/3 +1 +3 /);
    await kubectl.ok(['rollout', 'undo', 'deployment/web']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', TIMEOUT]);
    await eventually(async () => expect(await runningImages(kubectl, 'web')).toEqual(Array(3).fill('nginx:1.26')));
  });
});

describe.concurrent('kubectl rollout of a daemon set and a stateful set', () => {
  it('daemon set: status, history, undo and restart', async () => {
    const { kubectl } = await cluster.scene('rollout');
    await kubectl.apply(daemonSet('agent', { image: 'agent:1' }));
    const said = await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    expect(said).toMatch(/daemon set "agent" successfully rolled out\n$/);
    expect(await kubectl.ok(['get', 'daemonset', 'agent', '--no-headers'])).toMatch(/^agent +2 +2 +2 +2 +2 +<none> /);
    await kubectl.ok(['set', 'image', 'daemonset/agent', 'main=agent:2']);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    expect(await runningImages(kubectl, 'agent')).toEqual(['agent:2', 'agent:2']);
    expect(await kubectl.ok(['rollout', 'history', 'daemonset/agent'])).toMatch(
      /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/,
    );
    expect(await kubectl.ok(['rollout', 'history', 'daemonset/agent', '--revision=1'])).toMatch(/Image:\s+agent:1/);
    expect(await kubectl.ok(['rollout', 'undo', 'daemonset/agent'])).toBe('daemonset.apps/agent rolled back\n');
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    expect(await runningImages(kubectl, 'agent')).toEqual(['agent:1', 'agent:1']);
    const before = await kubectl.ok(['get', 'pods', '-o', 'name']);
    await kubectl.ok(['rollout', 'restart', 'daemonset/agent']);
    await kubectl.ok(['rollout', 'status', 'daemonset/agent', TIMEOUT]);
    expect(await kubectl.ok(['get', 'pods', '-o', 'name'])).not.toBe(before);
  });

  it('stateful set: status, history, undo and restart', async () => {
    const { kubectl } = await cluster.scene('rollout');
    await kubectl.apply(statefulSet('db', { replicas: 2, image: 'db:1' }));
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await kubectl.ok(['get', 'statefulset', 'db', '--no-headers'])).toMatch(/^db +2\/2 /);
    await kubectl.ok(['set', 'image', 'statefulset/db', 'main=db:2']);
    expect(await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT])).toMatch(
      /(partitioned roll out complete: 2 new pods have been updated\.\.\.|statefulset rolling update complete 2 pods at revision db-\S+\.\.\.)\n$/,
    );
    expect(await runningImages(kubectl, 'db')).toEqual(['db:2', 'db:2']);
    expect(await kubectl.ok(['rollout', 'history', 'statefulset/db'])).toMatch(
      /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/,
    );
    await kubectl.ok(['rollout', 'undo', 'statefulset/db']);
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    expect(await runningImages(kubectl, 'db')).toEqual(['db:1', 'db:1']);
    const uids = '{.items[*].metadata.uid}';
    const before = await kubectl.path(['get', 'pods'], uids);
    await kubectl.ok(['rollout', 'restart', 'statefulset/db']);
    await kubectl.ok(['rollout', 'status', 'statefulset/db', TIMEOUT]);
    const after = await kubectl.path(['get', 'pods'], uids);
    expect(after.split(' ').filter((uid) => before.includes(uid))).toEqual([]);
    expect(await kubectl.path(['get', 'statefulset', 'db'], IMAGE)).toBe('db:1');
  });
});

describe.concurrent('kubectl wait', () => {
  it('for conditions, paths, creation and deletion', async () => {
    const { kubectl } = await cluster.scene('wait');
    const created = kubectl.ok(['wait', '--for=create', 'deployment/web', TIMEOUT]);
    await kubectl.apply(deployment('web', { annotations: { 'simulated.zeroplane.dev/pull': '1000' } }));
    expect(await created).toMatch(/deployment\.apps\/web/);
    expect(await kubectl.ok(['wait', '--for=condition=Available', 'deployment/web', TIMEOUT])).toBe(
      'deployment.apps/web condition met\n',
    );
    expect(
      await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Running', 'pod', '-l', 'app=web', TIMEOUT]),
    ).toMatch(/^pod\/web-\S+ condition met\n$/);
    expect(await kubectl.ok(['wait', '--for=condition=Ready', 'pods', '--all', TIMEOUT])).toMatch(
      /^pod\/web-\S+ condition met\n$/,
    );
    const deleted = kubectl.ok(['wait', '--for=delete', 'deployment/web', TIMEOUT]);
    await kubectl.ok(['delete', 'deployment', 'web']);
    await deleted;
    expect(await kubectl.fails(['wait', '--for=condition=Ready', 'pod/nobody', '--timeout=1s'])).toContain(
      'pods "nobody" not found',
    );
    await kubectl.ok(['create', 'configmap', 'still']);
    expect(await kubectl.fails(['wait', '--for=delete', 'configmap/still', '--timeout=1s'])).toContain(
      'timed out waiting for the condition on configmaps/still',
    );
  });
});

import { spawn } from 'node:child_process';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCluster } from '../support/e2e.js';
import { findHelm } from '../support/kubectl.js';
import { writeChart } from './helm-chart.js';

const NO_HELM = 'there is no helm for this machine: install helm 4 and put it on PATH';

/** A dozen runs of helm, most of which wait for pods. */
const CHART_TIMEOUT_MS = 300_000;

const cluster = useCluster();

let file: string | undefined;
beforeAll(async () => {
  file = await findHelm();
});
beforeEach((context) => {
  if (file !== undefined) return;
  Object.assign(context.task.meta, { skipReason: NO_HELM });
  context.skip(NO_HELM);
});

/** Runs helm to its end; fails when helm does. */
function helm(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const { folder, kubeconfig } = cluster.process;
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: path.join(folder, 'helm') };
    const child = spawn(file ?? '', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`helm ${args.join(' ')}: ${said}`))));
  });
}

/** The output of a helm that is expected to fail. */
async function helmFails(...args: string[]): Promise<string> {
  try {
    return `it did not fail: ${await helm(...args)}`;
  } catch (error) {
    return String(error);
  }
}

describe.concurrent('helm', () => {
  it('installs, upgrades, rolls back and uninstalls its own sample chart', async () => {
    const { kubectl, namespace } = await cluster.scene('helm');
    const chart = path.join(cluster.folder(), 'shop');
    await helm('create', chart);
    const flags = ['-n', namespace, '--wait', '--timeout', '60s'];
    expect(await helm('install', 'shop', chart, '--server-side=false', ...flags)).toContain('STATUS: deployed');
    expect(await kubectl.ok(['get', 'deployment', 'shop', '--no-headers'])).toMatch(/^shop +1\/1 /);
    expect(await kubectl.path(['get', 'secrets'], '{.items[*].type}')).toBe('helm.sh/release.v1');
    await helm('upgrade', 'shop', chart, '--server-side=false', '--set', 'replicaCount=2', ...flags);
    expect(await kubectl.ok(['get', 'deployment', 'shop', '--no-headers'])).toMatch(/^shop +2\/2 /);
    await helm('rollback', 'shop', '1', '--server-side=false', ...flags);
    expect(await kubectl.path(['get', 'deployment', 'shop'], '{.spec.replicas}')).toBe('1');
    const history = JSON.parse(await helm('history', 'shop', '-n', namespace, '-o', 'json')) as { status: string }[];
    expect(history.map(({ status }) => status)).toEqual(['superseded', 'superseded', 'deployed']);
    await helm('uninstall', 'shop', ...flags);
    expect(await kubectl.ok(['get', 'all,secrets', '-o', 'name'])).toBe('');
  });

  it(
    'a chart with hooks and an object of every usual kind lives through all commands, applied by the server',
    { timeout: CHART_TIMEOUT_MS },
    async () => {
      const { kubectl, namespace } = await cluster.scene('helm');
      const chart = writeChart(cluster.folder());
      const scope = ['-n', namespace];
      const flags = [...scope, '--wait', '--timeout', '80s'];
      expect(await helm('install', 'all', chart, ...flags)).toContain('STATUS: deployed');
      expect(await kubectl.ok(['get', 'deployment,statefulset', '--no-headers'])).toMatch(/1\/1[^]*1\/1/);
      const templates = await helm('template', 'other', chart, '--validate', '--skip-crds', ...scope);
      expect(templates).toContain('kind: StatefulSet');
      expect(await kubectl.path(['get', 'widget', 'all'], '{.spec}')).toBe('{"greeting":"hello","size":3}');
      const managers = ['get', 'deployment', 'all', '--show-managed-fields'];
      const owners = '{range .metadata.managedFields[*]}{.manager} {.operation}{"\\n"}{end}';
      expect(await kubectl.path(managers, owners)).toContain('helm Apply');
      const kinds = 'serviceaccount,role,rolebinding,service,ingress,configmap,secret,job';
      const names = (await kubectl.ok(['get', kinds, '-o', 'name'])).split('\n');
      for (const name of [
        'serviceaccount/all',
        'role.rbac.authorization.k8s.io/all',
        'rolebinding.rbac.authorization.k8s.io/all',
        'service/all',
        'ingress.networking.k8s.io/all',
        'configmap/all',
        'secret/all',
        'job.batch/all',
        'job.batch/all-before',
        'job.batch/all-after',
      ]) {
        expect(names).toContain(name);
      }

      const revisions = async (): Promise<string> =>
        kubectl.path(
          ['get', 'configmap,service,role,ingress', '-l', 'app.kubernetes.io/managed-by=Helm'],
          '{.items[*].metadata.resourceVersion}',
        );
      const before = await revisions();
      await helm('upgrade', 'all', chart, ...scope);
      expect(await revisions()).toBe(before);

      await helm('upgrade', 'all', chart, '--set', 'greeting=bye,replicas=2,tag=1.27', ...flags);
      expect(await kubectl.path(['get', 'configmap', 'all'], '{.data.greeting}')).toBe('bye');
      expect(await kubectl.path(['get', 'widget', 'all'], '{.spec.greeting}')).toBe('bye');
      expect(await kubectl.path(['get', 'deployment', 'all'], '{.status.readyReplicas}')).toBe('2');
      expect(await kubectl.path(['get', 'pods', '-l', 'part=db'], '{.items[*].spec.containers[0].image}')).toBe(
        'nginx:1.27 nginx:1.27',
      );

      await kubectl.ok(['patch', 'configmap', 'all', '--field-manager=hand', '-p', '{"data":{"greeting":"mine"}}']);
      const refused = await helmFails('upgrade', 'all', chart, '--reuse-values', '--set', 'greeting=theirs', ...scope);
      expect(refused).toContain('conflict with "hand" using v1: .data.greeting');
      expect(await kubectl.path(['get', 'configmap', 'all'], '{.data.greeting}')).toBe('mine');
      await helm('upgrade', 'all', chart, '--reuse-values', '--set', 'greeting=theirs', '--force-conflicts', ...scope);
      expect(await kubectl.path(['get', 'configmap', 'all'], '{.data.greeting}')).toBe('theirs');

      await helm('rollback', 'all', '1', ...flags);
      expect(await kubectl.path(['get', 'configmap', 'all'], '{.data.greeting}')).toBe('hello');
      expect(await kubectl.path(['get', 'deployment', 'all'], '{.spec.replicas}')).toBe('1');
      expect(await helm('test', 'all', ...scope, '--timeout', '60s')).toMatch(/Phase: +Succeeded/);
      expect(await helm('list', ...scope)).toMatch(/all\s+\S+\s+6\s.*deployed\s+everything-1\.0\.0/);
      expect(await helm('status', 'all', ...scope)).toContain('STATUS: deployed');
      const history = JSON.parse(await helm('history', 'all', ...scope, '-o', 'json')) as { status: string }[];
      expect(history.map(({ status }) => status)).toEqual([
        'superseded',
        'superseded',
        'superseded',
        'failed',
        'superseded',
        'deployed',
      ]);
      await helm('uninstall', 'all', ...flags);
      expect(await kubectl.ok(['get', 'deployment,statefulset,service,ingress,role,rolebinding', '-o', 'name'])).toBe(
        '',
      );
      expect(await kubectl.ok(['get', 'widgets', '-o', 'name'])).toBe('');
      expect(await kubectl.ok(['get', 'crd', 'widgets.charts.example.com', '-o', 'name'])).not.toBe('');
      expect(await kubectl.ok(['get', 'clusterrole', `${namespace}-all`, '--ignore-not-found'])).toBe('');
    },
  );
});

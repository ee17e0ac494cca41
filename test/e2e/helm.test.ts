import { spawn } from 'node:child_process';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCluster } from '../support/e2e.js';
import { findHelm } from '../support/kubectl.js';

const NO_HELM = 'there is no helm for this machine: install helm 4 and put it on PATH';

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

describe('helm', () => {
  it('installs, upgrades, rolls back and uninstalls its own sample chart', async () => {
    const { kubectl, namespace } = await cluster.scene('helm');
    const chart = path.join(cluster.folder(), 'shop');
    await helm('create', chart);
    const flags = ['-n', namespace, '--wait', '--timeout', '40s'];
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
});

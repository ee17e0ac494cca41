import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../support/built.js';
import { ClusterProcess } from '../support/cluster-process.js';
import { readKubeconfig, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';

interface Named {
  metadata: { name: string; uid: string; resourceVersion: string };
}

describe('zeroplane backup and restore', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-backup-'));
  const file = path.join(folder, 'cluster.backup');
  const clusters: ClusterProcess[] = [];
  let kubectlFile: string | undefined;
  /** Of the service account default/default of the first cluster. */
  let token: string;

  beforeAll(async () => {
    kubectlFile = await findKubectl();
    await ensureBuilt();
  });
  skipWithoutKubectl(() => kubectlFile);
  afterAll(async () => {
    for (const cluster of clusters) await cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (options: Parameters<typeof ClusterProcess.start>[0]): Promise<ClusterProcess> => {
    const cluster = await ClusterProcess.start(options);
    clusters.push(cluster);
    return cluster;
  };
  const kubectlOf = (kubeconfig: string, ...always: string[]): Kubectl =>
    new Kubectl(kubectlFile ?? '', { kubeconfig, home: path.join(folder, 'home'), always });
  /** Somebody with a token and no certificate. */
  const withToken = (kubeconfig: string, token: string): Kubectl => {
    const { server, ca } = readKubeconfig(kubeconfig);
    const authority = path.join(folder, 'ca.crt');
    writeFileSync(authority, ca);
    return kubectlOf('/dev/null', '--server', server, '--certificate-authority', authority, '--token', token);
  };
  const zeroplane = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [path.resolve('dist/zeroplane.mjs'), ...args], (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  const uids = async (kubectl: Kubectl): Promise<string[]> => {
    const { items } = await kubectl.json<{ items: Named[] }>(['get', 'deployments,replicasets,pods,configmaps', '-A']);
    return items.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort();
  };

  it('backs a cluster up while it is in use; the restored one has the same objects, keys and tokens', async () => {
    const cluster = await start({});
    const data = path.join(cluster.folder, 'data');
    const kubectl = kubectlOf(cluster.kubeconfig);
    await kubectl.ok(['create', 'deployment', 'web', '--image=nginx', '--replicas=2']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=30s']);
    await kubectl.ok(['create', 'configmap', 'known', '--from-literal=a=b']);
    const known = await kubectl.json<Named>(['get', 'configmap', 'known']);
    token = (await kubectl.ok(['create', 'token', 'default'])).trim();
    const before = await uids(kubectl);

    let isOver = false;
    const writing = (async () => {
      for (let count = 0; !isOver; count++)
        await kubectl.ok(['annotate', 'configmap', 'known', `count=${count}`, '--overwrite']);
    })();
    const made = await zeroplane('backup', file, '--data', data);
    isOver = true;
    await writing;
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/cluster\.backup: \d+ objects of \d+ kinds/) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const later = await kubectl.json<Named>(['get', 'configmap', 'known']);

    expect(await zeroplane('restore', file, '--data', data)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is in use by another zeroplane \(pid \d+\): stop it/),
    });
    await cluster.stop();
    expect(await zeroplane('restore', file, '--data', data)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not empty: it holds .* Restore into another folder with --data/),
    });
    const cut = path.join(folder, 'cut.backup');
    writeFileSync(cut, readFileSync(file).subarray(0, -1));
    const other = path.join(folder, 'other');
    expect(await zeroplane('restore', cut, '--data', path.join(other, 'data'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cut\.backup is damaged: it was cut short or altered/),
    });

    expect(await zeroplane('restore', file, '--data', path.join(other, 'data'))).toMatchObject({ code: 0 });
    const restored = await start({ folder: other });
    expect(await uids(kubectlOf(restored.kubeconfig))).toEqual(before);
    // The former kubeconfig and a token of the former cluster are good for this one.
    const { server } = readKubeconfig(restored.kubeconfig);
    const former = kubectlOf(cluster.kubeconfig, '--server', server);
    expect(await former.ok(['get', 'configmap', 'known', '-o', 'name'])).toBe('configmap/known\n');
    expect(await withToken(restored.kubeconfig, token).ok(['auth', 'whoami'])).toContain(
      'system:serviceaccount:default:default',
    );
    // Who watched the former cluster is told to list again, even from a position after the backup.
    for (const { resourceVersion } of [known.metadata, later.metadata]) {
      const query = `watch=1&timeoutSeconds=5&resourceVersion=${resourceVersion}`;
      const { stdout, stderr } = await former.run(['get', '--raw', `/api/v1/namespaces/default/configmaps?${query}`]);
      expect(stdout + stderr).toMatch(/too old resource version|Expired|410/);
    }
    // It goes on: the controllers act on what is there, and revisions rise.
    await former.ok(['scale', 'deployment/web', '--replicas=3']);
    await former.ok(['rollout', 'status', 'deployment/web', '--timeout=30s']);
    await former.ok(['annotate', 'configmap', 'known', 'after=restore']);
    const after = await former.json<Named>(['get', 'configmap', 'known']);
    expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(later.metadata.resourceVersion));
    await restored.stop();
  });

  it('restores into a cluster that has been started and not used, and a cluster in memory starts from a backup', async () => {
    const fresh = await start({});
    await eventually(async () =>
      expect(await kubectlOf(fresh.kubeconfig).ok(['get', 'serviceaccounts', '-A', '--no-headers'])).toMatch(
        /kube-system +default/,
      ),
    );
    await fresh.stop();
    expect(await zeroplane('restore', file, '--data', path.join(fresh.folder, 'data'))).toMatchObject({ code: 0 });
    const restored = await start({ folder: fresh.folder });
    const before = await uids(kubectlOf(restored.kubeconfig));
    expect(before.join('\n')).toContain('known ');
    await restored.stop();

    const inMemory = await start({ memory: true, flags: ['--restore', file] });
    expect(await uids(kubectlOf(inMemory.kubeconfig))).toEqual(before);
    const second = path.join(folder, 'memory.backup');
    expect(await zeroplane('backup', second, '--kubeconfig', inMemory.kubeconfig)).toMatchObject({ code: 0 });
    await inMemory.stop();
    const again = await start({ memory: true, flags: ['--restore', second] });
    expect(await uids(kubectlOf(again.kubeconfig))).toEqual(before);
    // Nobody but an administrator gets a backup.
    const refused = await withToken(again.kubeconfig, token).run(['get', '--raw', '/zeroplane/backup']);
    expect(refused.stderr).toMatch(/Forbidden|forbidden/);
    await again.stop();
  });
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deployment, pod, service } from './manifests.js';
import { ensureBuilt } from '../support/built.js';
import { ClusterProcess } from '../support/cluster-process.js';
import { adminTransport, readKubeconfig, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';
import { ownAddress } from '../../cli/serving-addresses.js';
import { Client } from '../../lib/client/client.js';
import { configMaps } from '../../lib/client/resources.js';

/** Linux answers on all of 127.0.0.0/8, others on its first address only. */
const SECOND_LOOPBACK = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';

let kubectlFile: string | undefined;
const running: ClusterProcess[] = [];
const folders: string[] = [];

beforeAll(async () => {
  kubectlFile = await findKubectl();
  await ensureBuilt();
});
skipWithoutKubectl(() => kubectlFile);
afterEach(async () => {
  for (const cluster of running.splice(0)) await cluster.stop();
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'zeroplane-lifecycle-'));
  folders.push(made);
  return made;
}

async function start(options: Parameters<typeof ClusterProcess.start>[0]): Promise<ClusterProcess> {
  const cluster = await ClusterProcess.start({ folder: folder(), ...options });
  running.push(cluster);
  return cluster;
}

function kubectlOf(cluster: ClusterProcess): Kubectl {
  return new Kubectl(kubectlFile ?? '', { kubeconfig: cluster.kubeconfig, home: path.join(cluster.folder, 'home') });
}

/** `zeroplane ARGS`, to its end. */
function zeroplane(args: readonly string[], cwd = folder()): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.resolve('dist/zeroplane.mjs'), ...args], {
    cwd,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

function get(
  server: string,
  route: string,
  options: https.RequestOptions = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    https
      .get(`${server}${route}`, { rejectUnauthorized: false, agent: false, ...options }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      })
      .on('error', reject);
  });
}

describe('zeroplane up', () => {
  it('lists three Ready nodes as soon as it says that it is ready', async () => {
    const cluster = await start({ memory: true, flags: ['--nodes', '3'] });
    const nodes = await kubectlOf(cluster).ok(['get', 'nodes', '--no-headers']);
    expect(nodes).toMatch(/^node-1 +Ready .*\nnode-2 +Ready .*\nnode-3 +Ready .*\n$/);
    expect(cluster.stdout).toMatch(/^ready in \d+ ms\n$/);
    expect(cluster.stderr).toContain('runtime: simulated');
    expect(cluster.stderr).not.toMatch(/error|warn/i);
  });

  it('has one node unless told otherwise, or none', async () => {
    const one = await start({ memory: true });
    expect(await kubectlOf(one).ok(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\n');
    const none = await start({ memory: true, flags: ['--nodes', '0'] });
    expect((await kubectlOf(none).run(['get', 'nodes'])).stderr).toBe('No resources found\n');
  });

  it('--memory leaves nothing behind', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const cluster = await start({ memory: true });
      await kubectlOf(cluster).ok(['create', 'configmap', 'config']);
      rmSync(path.join(cluster.folder, 'home'), { recursive: true, force: true });
      expect(readdirSync(cluster.folder)).toEqual(['kubeconfig']);
      expect(await cluster.stop(signal)).toBe(0);
      expect(readdirSync(cluster.folder)).toEqual([]);
    }
  });

  it('takes the ranges and addresses that it is given', async () => {
    const flags = [
      '--service-cidr',
      '10.50.0.0/24',
      '--pod-cidr',
      '10.60.0.0/16',
      '--advertise-address',
      '192.0.2.9',
      '--bind',
      SECOND_LOOPBACK,
    ];
    const cluster = await start({ memory: true, flags: [...flags, '--nodes', '2'] });
    const kubectl = kubectlOf(cluster);
    expect(await kubectl.path(['get', 'service', 'kubernetes'], '{.spec.clusterIP}')).toBe('10.50.0.1');
    expect(
      await kubectl.ok(['create', 'service', 'clusterip', 'web', '--tcp=80', '-o', 'jsonpath={.spec.clusterIP}']),
    ).toMatch(/^10\.50\.0\.\d+$/);
    expect((await kubectl.path(['get', 'nodes'], '{.items[*].spec.podCIDR}')).split(' ').sort()).toEqual([
      '10.60.0.0/24',
      '10.60.1.0/24',
    ]);
    await kubectl.ok(['run', 'web', '--image=nginx']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=25s']);
    expect(await kubectl.path(['get', 'pod', 'web'], '{.status.podIP}')).toMatch(/^10\.60\.[01]\.\d+$/);
    expect(await kubectl.ok(['get', 'endpoints', 'kubernetes', '--no-headers'])).toMatch(
      /^kubernetes +192\.0\.2\.9:\d+ /,
    );
    const { server, ca } = readKubeconfig(cluster.kubeconfig);
    const elsewhere = server.replace('127.0.0.1', SECOND_LOOPBACK);
    expect((await get(elsewhere, '/readyz', { ca, rejectUnauthorized: true })).status).toBe(200);
  });

  it('writes a kubeconfig that only its owner may read, into a new folder too', async () => {
    const base = folder();
    const file = path.join(base, 'deep/er/kubeconfig');
    const cluster = await start({ folder: base, memory: true, flags: ['--kubeconfig', file] });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const kubectl = new Kubectl(kubectlFile ?? '', { kubeconfig: file, home: path.join(base, 'home') });
    expect(await kubectl.ok(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\n');
    await cluster.stop();
    expect(existsSync(file)).toBe(false);
  });

  it('finds everything again: objects with their uids, pods running and Ready', async () => {
    const base = folder();
    const first = await start({ folder: base, flags: ['--nodes', '3'] });
    let kubectl = kubectlOf(first);
    await kubectl.ok(['create', 'namespace', 'shop']);
    await kubectl.apply(
      deployment('web', { replicas: 3 }),
      service('web'),
      pod('bare', { podSpec: { containers: [{ name: 'main', image: 'nginx' }] } }),
    );
    await kubectl.ok(['create', 'secret', 'generic', 'secret', '--from-literal=a=b', '-n', 'shop']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=25s']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/bare', '--timeout=25s']);
    const kinds = 'namespaces,nodes,services,serviceaccounts,secrets,configmaps,deployments,replicasets,pods';
    const identities = '{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.metadata.uid}{"\\n"}{end}';
    const before = await kubectl.path(['get', kinds, '-A'], identities);
    const token = (await kubectl.ok(['create', 'token', 'default'])).trim();
    const { ca } = readKubeconfig(first.kubeconfig);
    expect(await first.stop('SIGINT')).toBe(0);

    const second = await start({ folder: base, flags: ['--nodes', '3'] });
    kubectl = kubectlOf(second);
    expect(await kubectl.path(['get', kinds, '-A'], identities)).toBe(before);
    const { server, ca: caAfter } = readKubeconfig(second.kubeconfig);
    expect(caAfter).toBe(ca);
    await kubectl.ok(['wait', '--for=condition=Ready', 'nodes,pods', '--all', '--timeout=25s']);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'deployment', 'web', '--no-headers'])).toMatch(/^web +3\/3 +3 +3 /),
    );
    const addresses = (await kubectl.path(['get', 'pods', '-l', 'app=web'], '{.items[*].status.podIP}')).split(' ');
    expect(new Set(addresses).size).toBe(3);
    await eventually(async () => {
      const ready = '{.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}';
      const slices = await kubectl.path(['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web'], ready);
      expect(slices.split(' ').sort()).toEqual(addresses.sort());
    });
    expect((await get(server, '/api', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    await kubectl.ok(['scale', 'deployment/web', '--replicas=5']);
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=25s']);
  });

  it('loses no acknowledged write when it is killed', async () => {
    const base = folder();
    const first = await start({ folder: base });
    const transport = adminTransport(first.kubeconfig);
    const client = new Client(transport, 'e2e');
    const acknowledged: { name: string; resourceVersion: string | undefined }[] = [];
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const name = `w${writer}-${i}`;
        const made = await client.create(configMaps, { metadata: { namespace: 'default', name }, data: { name } });
        acknowledged.push({ name, resourceVersion: made.metadata?.resourceVersion });
      }
    };
    const writers = Promise.allSettled([0, 1, 2, 3].map(write));
    await eventually(() => Promise.resolve(expect(acknowledged.length).toBeGreaterThan(200)));
    await first.stop('SIGKILL');
    await writers;
    transport.close();

    const second = await start({ folder: base });
    const present = await kubectlOf(second).path(
      ['get', 'configmaps'],
      '{range .items[*]}{.metadata.name} {.metadata.resourceVersion} {.data.name}{"\\n"}{end}',
    );
    const lines = new Set(present.split('\n'));
    for (const { name, resourceVersion } of acknowledged) expect(lines).toContain(`${name} ${resourceVersion} ${name}`);
  });
});

describe('zeroplane up refuses, with what to do', () => {
  it('a port that is taken', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as net.AddressInfo;
    const cwd = folder();
    const { code, stdout, stderr } = zeroplane(['up', '--memory', '--port', String(port)], cwd);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      `zeroplane: 127.0.0.1:${port} is taken by another program. Stop it, or choose another port with --port\n`,
    );
    expect(readdirSync(cwd)).toEqual([]);
    taken.close();
  });

  it('a data folder that another instance uses', async () => {
    const cluster = await start({});
    const { code, stderr } = zeroplane([
      'up',
      '--port',
      '0',
      '--data',
      path.join(cluster.folder, 'data'),
      '--kubeconfig',
      path.join(folder(), 'k'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^zeroplane: .*data.* (is|in) use.*/m);
    expect(stderr).toMatch(/--data|stop/i);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(await kubectlOf(cluster).ok(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\n');
  });

  it('a data folder that is none, and a kubeconfig that cannot be written', () => {
    const base = folder();
    const file = path.join(base, 'file');
    writeFileSync(file, 'text');
    const data = zeroplane(['up', '--port', '0', '--data', path.join(file, 'data')]);
    expect(data).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/zeroplane: the data folder .* cannot be used .* --data/) as string,
    });
    const config = zeroplane(['up', '--port', '0', '--memory', '--kubeconfig', path.join(file, 'kubeconfig')]);
    expect(config).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/zeroplane: the kubeconfig .* cannot be written .* --kubeconfig/) as string,
    });
  });

  it.each([
    [['--port', 'x'], '--port is not a number'],
    [['--port', '70000'], '--port is above 65535'],
    [['--nodes', '-1'], '--nodes is below 0'],
    [['--nodes', '1.5'], '--nodes is not a whole number'],
    [['--nodes', '100000'], '--nodes is above 5000'],
    [['--bind', 'nowhere'], '--bind is not an IP address'],
    [['--service-cidr', '10.96.0.0'], '--service-cidr is not an address range'],
    [['--pod-cidr', '10.244.0.0/99'], '--pod-cidr is not an address range'],
    [['--cluster-dns', 'x'], '--cluster-dns is not an IP address'],
    [['--runtime', 'docker'], '--runtime is none of auto, cri, simulated'],
    [['--runtime', 'cri', '--nodes', '2'], 'this machine is one node of real containers'],
    [['--runtime', 'simulated', '--cri-socket', '/x'], 'leave one of them out'],
    [['--memory', '--data', 'x'], '--memory cannot be combined with --data'],
    [['--advertise-address', 'x'], '--advertise-address is not an IP address'],
    [['--what'], "unknown option '--what'"],
    [['--bind', '192.0.2.77', '--port', '0'], '192.0.2.77 is no address of this machine. Check --bind'],
  ])('%s', (flags, message) => {
    const { code, stdout, stderr } = zeroplane([
      'up',
      '--kubeconfig',
      path.join(folder(), 'kubeconfig'),
      ...(flags.includes('--data') ? [] : ['--memory']),
      ...flags,
    ]);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});

describe('zeroplane kubeconfig', () => {
  it('prints a credential of the administrator, and of a node', async () => {
    const cluster = await start({});
    const data = path.join(cluster.folder, 'data');
    const file = path.join(cluster.folder, 'admin');
    const admin = zeroplane(['kubeconfig', '--data', data]);
    expect(admin).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(file, admin.stdout);
    const as = (kubeconfig: string): Kubectl =>
      new Kubectl(kubectlFile ?? '', { kubeconfig, home: path.join(cluster.folder, 'home') });
    expect(await as(file).ok(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(
      'kubernetes-admin',
    );
    const nodeFile = path.join(cluster.folder, 'node');
    writeFileSync(nodeFile, zeroplane(['kubeconfig', '--data', data, '--node', 'node-1']).stdout);
    expect(
      await as(nodeFile).ok(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}']),
    ).toBe('system:node:node-1 ["system:nodes","system:authenticated"]');
    expect(await as(nodeFile).ok(['get', 'node', 'node-1', '-o', 'name'])).toBe('node/node-1\n');
    expect(await as(nodeFile).fails(['delete', 'namespace', 'default'])).toContain('Forbidden');
    expect(await as(nodeFile).fails(['get', 'secrets', '-A'])).toContain('Forbidden');
    expect(zeroplane(['kubeconfig', '--data', data, '--node', 'Not A Name'])).toMatchObject({ code: 1, stdout: '' });
    const nowhere = zeroplane(['kubeconfig', '--data', path.join(folder(), 'none')]);
    expect(nowhere).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/there is no cluster in .*zeroplane up --data/) as string,
    });
  });

  it("names an address in a node's that other machines reach, or says what to do", async () => {
    const cluster = await start({ flags: ['--nodes', '0'] });
    expect(cluster.stderr).toContain(
      'no node can join: the cluster is served on 127.0.0.1 alone. Start it with --bind',
    );
    const data = path.join(cluster.folder, 'data');
    const { server } = readKubeconfig(cluster.kubeconfig);
    const node = (...flags: string[]): ReturnType<typeof zeroplane> =>
      zeroplane(['kubeconfig', '--data', data, '--node', 'worker-1', ...flags]);
    const alone = node();
    expect(alone).toMatchObject({
      code: 0,
      stderr: `other machines do not reach ${server}: start the cluster with --bind ADDRESS, an address of this machine that they reach, and ask again\n`,
    });
    expect(alone.stdout).toContain(`server: ${server}\n`);
    expect(node('--server', 'https://localhost:7443')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('server: https://localhost:7443\n') as string,
    });
    for (const wrong of ['192.0.2.1:6443', 'http://localhost', 'https://localhost/path']) {
      expect(node('--server', wrong)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('is not the URL of an API server') as string,
      });
    }
    const unnamed = node('--server', 'https://203.0.113.7:6443');
    expect(unnamed).toMatchObject({ code: 1, stdout: '' });
    expect(unnamed.stderr).toMatch(/certificate does not name 203\.0\.113\.7 .*127\.0\.0\.1.* --advertise-address/);
    await cluster.stop();
    const bound = await start({ folder: cluster.folder, flags: ['--nodes', '0', '--bind', '0.0.0.0'] });
    expect(bound.stderr).not.toContain('no node can join');
    const reachable = node();
    expect(reachable).toMatchObject({ code: 0, stderr: '' });
    expect(reachable.stdout).toContain(`server: https://${ownAddress()}:`);
  });
});

describe('the API without credentials', () => {
  it('answers health and version, and 401 to the rest', async () => {
    const cluster = await start({ memory: true });
    const { server, ca } = readKubeconfig(cluster.kubeconfig);
    for (const route of ['/healthz', '/livez', '/readyz'])
      expect(await get(server, route)).toEqual({ status: 200, body: 'ok' });
    expect(JSON.parse((await get(server, '/version', { ca, rejectUnauthorized: true })).body)).toMatchObject({
      major: '1',
      minor: '36',
    });
    for (const route of [
      '/api',
      '/api/v1/namespaces',
      '/apis/apps/v1/deployments',
      '/openapi/v2',
      '/metrics',
      '/nothing',
    ]) {
      const answer = await get(server, route);
      expect(answer.status, route).toBe(401);
      expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized' });
    }
    const authorization = 'Bearer nonsense';
    expect((await get(server, '/api', { headers: { authorization } })).status).toBe(401);
    const stranger = await get(server.replace('127.0.0.1', 'localhost'), '/version', { ca, rejectUnauthorized: true });
    expect(stranger.status).toBe(200);
  });
});

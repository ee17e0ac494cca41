import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Client } from '../../lib/client/client.js';
import { httpsTransport } from '../../lib/client/https-transport.js';
import { pods } from '../../lib/client/resources.js';
import { certificateRequest } from './certificate.js';
import { Lines } from './lines.js';
import { deployment, job, pod } from './manifests.js';
import { eventually } from '../support/eventually.js';
import { readKubeconfig, useCluster } from '../support/e2e.js';

const cluster = useCluster({ nodes: 1 });

describe.concurrent('kubectl auth', () => {
  it('whoami: the administrator, a service account, somebody impersonated', async () => {
    const { kubectl, namespace } = await cluster.scene('auth');
    expect(await kubectl.ok(['auth', 'whoami'])).toMatch(
      /^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\nGroups +\[system:masters system:authenticated\]\n/,
    );
    const token = (await kubectl.ok(['create', 'token', 'default'])).trim();
    const robot = `system:serviceaccount:${namespace}:default`;
    const asRobot = await kubectl.json<object>(['auth', 'whoami', ...bare(), `--token=${token}`]);
    expect(asRobot).toMatchObject({
      status: {
        userInfo: {
          username: robot,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        },
      },
    });
    const impersonated = await kubectl.json<object>([
      'auth',
      'whoami',
      '--as=jane',
      '--as-group=devs',
      '--as-uid=7',
      '--as-group=ops',
    ]);
    expect(impersonated).toMatchObject({
      status: { userInfo: { username: 'jane', uid: '7', groups: ['devs', 'ops', 'system:authenticated'] } },
    });
  });

  it('can-i: yes, no, and the list', async () => {
    const { kubectl, namespace } = await cluster.scene('auth');
    expect(await kubectl.ok(['auth', 'can-i', 'delete', 'nodes'])).toContain('yes\n');
    expect(await kubectl.ok(['auth', 'can-i', '*', '*', '--all-namespaces'])).toContain('yes\n');
    const robot = `--as=system:serviceaccount:${namespace}:default`;
    const refused = await kubectl.run(['auth', 'can-i', 'list', 'pods', robot]);
    expect(refused.stdout).toBe('no\n');
    expect(refused.code).toBe(1);
    expect(
      await kubectl.ok([
        'auth',
        'can-i',
        'create',
        'selfsubjectreviews.authentication.k8s.io',
        robot,
        '--as-group=system:authenticated',
      ]),
    ).toContain('yes\n');
    expect(await kubectl.ok(['auth', 'can-i', 'get', '/version', robot, '--as-group=system:authenticated'])).toContain(
      'yes\n',
    );
    expect(await kubectl.ok(['auth', 'can-i', '--list'])).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m);
  });

  it('a token of a service account is accepted, and refused what it may not', async () => {
    const { kubectl, namespace, client } = await cluster.scene('auth');
    await kubectl.ok(['create', 'serviceaccount', 'robot']);
    await kubectl.apply(
      pod('holder', { podSpec: { serviceAccountName: 'robot', containers: [{ name: 'main', image: 'nginx' }] } }),
    );
    const token = (
      await kubectl.ok(['create', 'token', 'robot', '--bound-object-kind=Pod', '--bound-object-name=holder'])
    ).trim();
    const { server, ca } = readKubeconfig(cluster.process.kubeconfig);
    const transport = httpsTransport({ server, ca, token });
    const robot = new Client(transport, 'e2e');
    expect(await robot.raw('/api')).toMatchObject({ versions: ['v1'] });
    await expect(robot.list(pods, { namespace })).rejects.toThrow(
      `pods is forbidden: User "system:serviceaccount:${namespace}:robot" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
    );
    await kubectl.ok(['delete', 'pod', 'holder', '--now']);
    await eventually(async () => expect(robot.raw('/api')).rejects.toMatchObject({ status: { code: 401 } }));
    transport.close();
    const own = await client.get(pods, { namespace, name: 'holder' }).catch((error: unknown) => String(error));
    expect(own).toContain('not found');
    const bad = await kubectl.fails(['get', 'pods', ...bare(), '--token=nonsense']);
    expect(bad).toContain('You must be logged in to the server');
  });

  it('--as: what the impersonated may not do is refused, and so is impersonation by others', async () => {
    const { kubectl, namespace } = await cluster.scene('auth');
    expect(await kubectl.fails(['get', 'pods', '--as=jane'])).toBe(
      `Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "${namespace}"\n`,
    );
    expect(await kubectl.ok(['get', 'pods', '--as=root', '--as-group=system:masters'])).toBe('');
    const token = (await kubectl.ok(['create', 'token', 'default'])).trim();
    expect(await kubectl.fails(['get', 'pods', ...bare(), `--token=${token}`, '--as=jane'])).toContain(
      'cannot impersonate resource "users"',
    );
  });

  it('reconcile brings roles to what a file says', async () => {
    const { kubectl, namespace } = await cluster.scene('auth');
    const role = await kubectl.ok([
      'create',
      'role',
      'reader',
      '--verb=get',
      '--resource=pods',
      '--dry-run=client',
      '-o',
      'yaml',
    ]);
    expect(role).toContain(`namespace: ${namespace}`);
    expect(await kubectl.ok(['auth', 'reconcile', '-f', '-'], { input: role })).toContain(
      'role.rbac.authorization.k8s.io/reader reconciled\n',
    );
    await kubectl.ok(['auth', 'reconcile', '-f', '-'], { input: role.replace('- get', '- list') });
    expect(await kubectl.path(['get', 'role', 'reader'], '{.rules[*].verbs}')).toBe('["get"] ["list"]');
  });

  it('certificate approve and deny', async () => {
    const { kubectl, namespace } = await cluster.scene('auth');
    const request = await certificateRequest('jane');
    for (const verb of ['approve', 'deny'] as const) {
      const name = `${namespace}-${verb}`;
      await kubectl.apply({
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec: { request, signerName: 'example.org/client', usages: ['client auth'] },
      });
      expect(await kubectl.ok(['get', 'csr', name, '--no-headers'])).toMatch(
        new RegExp(`^${name} +\\S+ +example\\.org/client +kubernetes-admin +<none> +Pending$`, 'm'),
      );
      expect(await kubectl.ok(['certificate', verb, name])).toMatch(
        /certificatesigningrequest\.certificates\.k8s\.io\/\S+ (approved|denied)\n/,
      );
      const condition = await kubectl.path(
        ['get', 'csr', name],
        '{.status.conditions[0].type} {.status.conditions[0].status}',
      );
      expect(condition).toBe(verb === 'approve' ? 'Approved True' : 'Denied True');
    }
    expect(await kubectl.fails(['certificate', 'deny', `${namespace}-approve`])).toMatch(/Approved|already/);
  });
});

describe.concurrent('kubectl and pods that run', () => {
  it('logs of a pod, a deployment, a job, by label, with time stamps, of what is not there', async () => {
    const { kubectl } = await cluster.scene('logs');
    await kubectl.apply(deployment('web', { replicas: 2 }), job('once'));
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=25s']);
    await kubectl.ok(['wait', '--for=condition=complete', 'job/once', '--timeout=25s']);
    const [first = ''] = (await kubectl.ok(['get', 'pods', '-l', 'app=web', '-o', 'name'])).split('\n');
    const line = await kubectl.ok(['logs', first]);
    expect(line.trim().split('\n')).toHaveLength(1);
    expect(await kubectl.ok(['logs', first, '--timestamps'])).toMatch(/^\d{4}-\d\d-\d\dT\S+Z .+\n$/);
    expect(await kubectl.ok(['logs', first, '--tail=0'])).toBe('');
    expect(await kubectl.ok(['logs', first, '--limit-bytes=3'])).toBe(line.slice(0, 3));
    expect(await kubectl.ok(['logs', first, '--since=1h', '-c', 'main'])).toBe(line);
    expect(await kubectl.ok(['logs', 'deployment/web'])).toContain(line.slice(0, 3));
    expect((await kubectl.ok(['logs', '-l', 'app=web', '--prefix'])).match(/^\[pod\/web-\S+\/main\] /gm)).toHaveLength(
      2,
    );
    expect((await kubectl.ok(['logs', 'job/once'])).trim()).not.toBe('');
    expect(await kubectl.fails(['logs', first, '-c', 'other'])).toMatch(/container other is not valid for pod web-\S+/);
    expect(await kubectl.fails(['logs', first, '--previous'])).toMatch(
      /previous terminated container "main" in pod "web-\S+" not found/,
    );
    expect(await kubectl.fails(['logs', 'nobody'])).toContain('pods "nobody" not found');
    const follow = new Lines(kubectl.spawn(['logs', '-f', first]));
    await follow.until(line.trim());
    await kubectl.ok(['delete', first, '--now']);
    await follow.ended();
  });

  it('debug adds a container to a pod that runs', async () => {
    const { kubectl } = await cluster.scene('debug');
    await kubectl.ok(['run', 'web', '--image=nginx']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=25s']);
    await kubectl.ok(['debug', 'web', '--image=busybox', '--container=look', '--profile=general', '--', 'sleep', '9']);
    await kubectl.ok([
      'wait',
      '--for=jsonpath={.status.ephemeralContainerStatuses[0].state.running}',
      'pod/web',
      '--timeout=25s',
    ]);
    expect(await kubectl.ok(['logs', 'web', '-c', 'look'])).toContain('look');
  });

  it('exec, attach, cp and port-forward say what is missing', async () => {
    const { kubectl } = await cluster.scene('exec');
    await kubectl.ok(['run', 'web', '--image=nginx']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=25s']);
    expect(await kubectl.fails(['exec', 'web', '--', 'ls'])).toMatch(/simulated (runtime|node).*exec|exec.*simulated/i);
    expect(await kubectl.fails(['attach', 'web'])).toMatch(/simulated/i);
    expect(await kubectl.fails(['cp', 'web:/etc/hosts', path.join(cluster.folder(), 'hosts')])).toMatch(/simulated/i);
    expect(await kubectl.fails(['port-forward', 'pod/web', ':80'], { timeoutMs: 10_000 })).toMatch(/simulated/i);
  });
});

describe.concurrent('kubectl proxy and config', () => {
  it('rows 170 and 171: proxy on a port and on a socket', async () => {
    const proxy = new Lines(cluster.kubectl.spawn(['proxy', '--port=0']));
    const said = await proxy.until(/^Starting to serve on 127\.0\.0\.1:\d+$/);
    const port = Number(said.split(':').at(-1));
    expect(JSON.parse(await httpGet({ port, path: '/api/' }))).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect(JSON.parse(await httpGet({ port, path: '/api/v1/namespaces/default' }))).toMatchObject({
      kind: 'Namespace',
    });
    proxy.end();
    const socketPath = path.join(cluster.folder(), 'proxy.sock');
    const onSocket = new Lines(cluster.kubectl.spawn(['proxy', `--unix-socket=${socketPath}`]));
    await onSocket.until(/^Starting to serve on/);
    await eventually(() => Promise.resolve(expect(existsSync(socketPath)).toBe(true)));
    expect(JSON.parse(await httpGet({ socketPath, path: '/api/' }))).toMatchObject({ versions: ['v1'] });
    onSocket.end();
  });

  it('config view, and a context of our own', async () => {
    const { kubectl } = cluster;
    const config = await kubectl.json<object>(['config', 'view']);
    expect(config).toMatchObject({
      'current-context': 'zeroplane',
      clusters: [
        { name: 'zeroplane', cluster: { server: cluster.server, 'certificate-authority-data': 'DATA+OMITTED' } },
      ],
      contexts: [{ name: 'zeroplane', context: { cluster: 'zeroplane' } }],
      users: [{ user: { 'client-certificate-data': 'DATA+OMITTED' } }],
    });
    expect(await kubectl.ok(['config', 'current-context'])).toBe('zeroplane\n');
    expect(await kubectl.ok(['--context=zeroplane', 'get', 'namespace', 'default', '-o', 'name'])).toBe(
      'namespace/default\n',
    );
  });
});

/** Flags that leave kubectl without the kubeconfig's client certificate, which would win over a token. */
function bare(): string[] {
  const { server, ca } = readKubeconfig(cluster.process.kubeconfig);
  const file = path.join(cluster.process.folder, `ca-${createHash('sha256').update(ca).digest('hex').slice(0, 8)}.crt`);
  if (!existsSync(file)) writeFileSync(file, ca);
  return ['--kubeconfig=/dev/null', `--server=${server}`, `--certificate-authority=${file}`];
}

function httpGet(options: { port?: number; socketPath?: string; path: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', ...options, headers: { host: 'localhost' } }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { AgentServer } from '../../agent/server/agent-server.js';
import { CallerGate } from '../../agent/server/caller-gate.js';
import { ServedError } from '../../agent/server/errors.js';
import type { ContainerLogOptions } from '../../lib/api/log-options.js';
import type { ClusterPki } from '../../cli/cluster-pki.js';
import { DirectNodeConnection } from '../../cli/direct-node-connection.js';
import { kubeconfig } from '../../cli/kubeconfig.js';
import { Client } from '../../lib/client/client.js';
import { systemClock } from '../../lib/clock/system.js';
import { serve, startApi, testPki, type TestApi, type TestHost } from '../api/support/api.js';
import { skipWithoutKubectl } from '../support/e2e.js';
import { findKubectl, Kubectl } from '../support/kubectl.js';
import { ProcessRuntime } from '../support/process-runtime.js';

const NODE = 'worker';
const IDLE = ['sleep', '3600'];

/** An address of this machine that is not loopback. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const NO_ADDRESS = 'this machine has no IPv4 address but loopback, which the proxy refuses: give it a network';

let kubectlFile: string | undefined;
let kubectl: Kubectl;
let folder: string;
let pki: ClusterPki;
let api: TestApi;
let host: TestHost;
let agent: AgentServer;
let agentPort: number;
let runtime: ProcessRuntime;
let web: Server;
let webPort: number;
let loggedWith: ContainerLogOptions | undefined;

beforeAll(async () => {
  kubectlFile = await findKubectl();
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-streams-'));
  pki = await testPki();
  const toKubelets = await pki.kubeletClient();
  const ca = pki.authority.certificate;
  api = await startApi({
    nodeConnection: new DirectNodeConnection({
      client: () => client(),
      tls: { ca, cert: toKubelets.certificate, key: toKubelets.privateKey },
    }),
  });
  host = await serve(api, undefined, pki);
  runtime = await ProcessRuntime.start();
  await startAgent(ca);
  web = createServer((incoming, outgoing) => {
    if (incoming.url === '/moved') return void outgoing.writeHead(302, { location: '/there' }).end();
    outgoing.setHeader('x-saw', `${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? 'no secret'}`);
    incoming.pipe(outgoing.writeHead(incoming.method === 'DELETE' ? 202 : 200));
  });
  web.listen(0, '0.0.0.0');
  await once(web, 'listening');
  webPort = (web.address() as AddressInfo).port;
  await makeObjects();
  const file = path.join(folder, 'kubeconfig');
  const text = kubeconfig({
    server: `https://127.0.0.1:${host.port}`,
    ca,
    user: 'admin',
    credential: { certificate: host.admin.cert, privateKey: host.admin.key },
  });
  writeFileSync(file, text, { mode: 0o600 });
  if (kubectlFile !== undefined)
    kubectl = new Kubectl(kubectlFile, { kubeconfig: file, home: path.join(folder, 'home') });
});

skipWithoutKubectl(() => kubectlFile);

afterAll(async () => {
  web.close();
  await agent.close();
  runtime.close();
  await host.close();
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

function client(): Client {
  const user = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
  return new Client(api.controlPlane.transport(user), 'test');
}

async function startAgent(ca: string): Promise<void> {
  const serving = await pki.nodeServer(NODE, ['127.0.0.1']);
  agent = new AgentServer({
    tls: { cert: serving.certificate, key: serving.privateKey, clientCa: ca },
    gate: new CallerGate({ client: client(), clock: systemClock, nodeName: NODE }),
    node: {
      pods: () => [],
      findContainer: async ({ name }, container) => (name === 'gone' ? undefined : `${name}-${container}`),
      findSandbox: async ({ name }) => name,
      async logs(pod, container, options) {
        loggedWith = options;
        if (options.previous) {
          throw new ServedError(400, `previous terminated container "${container}" in pod "${pod.name}" not found`);
        }
        return (async function* () {
          yield Buffer.from(`from ${pod.namespace}/${pod.name}/${container}\n`);
        })();
      },
    },
    runtime,
    log: () => undefined,
  });
  agentPort = await agent.listen(0, '127.0.0.1');
}

async function makeObjects(): Promise<void> {
  const make = async (url: string, object: object): Promise<void> => {
    const { status, text } = await api.request('POST', url, object);
    expect(status, text).toBe(201);
  };
  await make('/api/v1/nodes', { kind: 'Node', apiVersion: 'v1', metadata: { name: NODE } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: agentPort } },
  };
  const merge = { 'content-type': 'application/merge-patch+json' };
  await api.request('PATCH', `/api/v1/nodes/${NODE}/status`, { status }, merge);
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default' } };
  await make('/api/v1/namespaces/default/serviceaccounts', account);
  for (const name of ['box', 'gone']) {
    await make('/api/v1/namespaces/default/pods', {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name },
      spec: { nodeName: NODE, containers: [{ name: 'main', image: 'busybox', command: IDLE, stdin: true }] },
    });
    await api.request(
      'PATCH',
      `/api/v1/namespaces/default/pods/${name}/status`,
      { status: { phase: 'Running' } },
      merge,
    );
  }
}

describe('stock kubectl through the API server and an agent', () => {
  test('exec: output, standard input to its end, exit codes, both outputs apart', async () => {
    expect(await kubectl.ok(['exec', 'box', '--', 'echo', 'a b', 'c'])).toBe('a b c\n');
    expect(await kubectl.ok(['exec', '-i', 'box', '--', 'cat'], { input: 'x' })).toBe('x');
    const failed = await kubectl.run(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(failed.code).toBe(7);
    expect(failed.stdout).toBe('out\n');
    expect(failed.stderr).toContain('err\n');
    expect(failed.stderr).toContain('command terminated with exit code 7');
  });

  test('exec carries megabytes both ways, unchanged', async () => {
    const bytes = 'q'.repeat(3_000_000);
    expect((await kubectl.ok(['exec', '-i', 'box', '--', 'cat'], { input: bytes })).length).toBe(bytes.length);
  });

  test('exec by SPDY, as older clients ask for it', async () => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };
    expect(await kubectl.ok(['exec', '-i', 'box', '--', 'cat'], { input: 'spdy', env })).toBe('spdy');
    expect((await kubectl.run(['exec', 'box', '--', 'sh', '-c', 'exit 3'], { env })).code).toBe(3);
  });

  test('what is not there is said', async () => {
    expect(await kubectl.fails(['exec', 'box', '-c', 'other', '--', 'ls'])).toMatch(
      /container other (?:is )?not (?:valid|found)/,
    );
    expect(await kubectl.fails(['exec', 'gone', '--', 'ls'])).toContain('container not found');
    expect(await kubectl.fails(['exec', 'nobody', '--', 'ls'])).toContain('pods "nobody" not found');
    expect(await kubectl.fails(['exec', 'box', '--', '/no/such/command'])).toContain('ENOENT');
  });

  test('attach hears what is typed', async () => {
    expect(await kubectl.ok(['attach', '-i', '-q', 'box'], { input: 'hello\n' })).toBe('heard hello\n');
  });

  test('cp takes folders there and back', async () => {
    const [from, there, back] = ['from', 'there', 'back'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(path.join(from, 'deep'), { recursive: true });
    mkdirSync(there);
    writeFileSync(path.join(from, 'deep/file'), 'content');
    await kubectl.ok(['cp', from, `box:${there}`]);
    expect(readFileSync(path.join(there, 'from/deep/file'), 'utf8')).toBe('content');
    await kubectl.ok(['cp', `box:${there}/from`, back]);
    expect(readFileSync(path.join(back, 'deep/file'), 'utf8')).toBe('content');
  });

  test.each([['WebSocket'], ['SPDY']])(
    'port-forward by %s: many requests, and a port nobody listens on',
    async (way) => {
      const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(way === 'WebSocket') };
      const forward = kubectl.spawn(['port-forward', 'box', `:${webPort}`, ':1'], { env });
      try {
        let said = '';
        const ports = await new Promise<number[]>((resolve, reject) => {
          forward.stdout?.on('data', (chunk: Buffer) => {
            said += chunk.toString();
            const found = [...said.matchAll(/127\.0\.0\.1:(\d+) -> (\d+)/g)].map((match) => Number(match[1]));
            if (found.length === 2) resolve(found);
          });
          forward.on('close', () => reject(new Error(`port-forward ended: ${said}`)));
        });
        const echo = await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const body = `${index}`.repeat(1_000);
            return (await (await fetch(`http://127.0.0.1:${ports[0]}/`, { method: 'POST', body })).text()) === body;
          }),
        );
        expect(echo.every(Boolean)).toBe(true);
        await expect(fetch(`http://127.0.0.1:${ports[1]}/`)).rejects.toThrow();
      } finally {
        forward.kill();
      }
    },
  );

  test('logs with their options', async () => {
    expect(await kubectl.ok(['logs', 'box', '--tail=5', '--timestamps', '--since=10s'])).toBe(
      'from default/box/main\n',
    );
    expect(loggedWith).toMatchObject({ tailLines: 5, timestamps: true, sinceSeconds: 10, follow: false });
    expect(await kubectl.fails(['logs', 'box', '-p'])).toContain(
      'previous terminated container "main" in pod "box" not found',
    );
  });
});

describe('the proxy to a node and a pod', () => {
  const pod = (): string => `/api/v1/namespaces/default/pods/box:${webPort}/proxy`;

  const place = async (ip: string): Promise<void> => {
    const merge = { 'content-type': 'application/merge-patch+json' };
    const status = { podIP: ip, podIPs: [{ ip }] };
    await api.request('PATCH', '/api/v1/namespaces/default/pods/box/status', { status }, merge);
  };

  test('reaches a node through its agent', async () => {
    expect(await kubectl.ok(['get', '--raw', `/api/v1/nodes/${NODE}/proxy/healthz`])).toBe('ok');
    expect(JSON.parse(await kubectl.ok(['get', '--raw', `/api/v1/nodes/${NODE}/proxy/pods`]))).toMatchObject({
      kind: 'PodList',
    });
  });

  test('does not reach the machine of the API server', async () => {
    await place('127.0.0.1');
    const refused = await api.request('GET', `${pod()}/x`);
    expect(refused.status).toBe(400);
    expect(refused.json.message).toBe('address not allowed');
  });

  test('hands on methods, bodies and paths, and no secret', async (context) => {
    if (ownAddress === undefined) {
      Object.assign(context.task.meta, { skipReason: NO_ADDRESS });
      return context.skip(NO_ADDRESS);
    }
    await place(ownAddress);
    const text = await kubectl.ok(['get', '--raw', `${pod()}/`]);
    expect(text).toBe('');
    const headers = { authorization: 'Bearer secret', 'content-type': 'text/plain' };
    const put = await api.request('PUT', `${pod()}/a//b?c=d`, 'body', headers);
    expect(put.status).toBe(200);
    expect(put.text).toBe('body');
    expect(put.headers['x-saw']).toBe('PUT /a//b?c=d no secret');
    expect((await api.request('DELETE', `${pod()}/`, 'x', headers)).status).toBe(202);
    const bare = await api.request('GET', pod());
    expect([bare.status, bare.headers['location']]).toEqual([301, `${pod()}/`]);
    const moved = await api.request('GET', `${pod()}/moved`);
    expect([moved.status, moved.headers['location']]).toEqual([302, `${pod()}/there`]);
    const nobody = await api.request('GET', `/api/v1/namespaces/default/pods/box:1/proxy/`);
    expect(nobody.status).toBe(503);
    expect(nobody.json.message).toMatch(/^dial tcp .*:1: /);
  });
});

describe('an agent refuses', () => {
  const ask = (options: https.RequestOptions): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = https.get(
        { host: '127.0.0.1', port: agentPort, ca: pki.authority.certificate, path: '/pods', agent: false, ...options },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      request.on('error', reject);
    });

  test('nobody, strangers and those without the right; health is for everybody', async () => {
    expect(await ask({ path: '/healthz' })).toBe(200);
    expect(await ask({})).toBe(401);
    expect(await ask({ headers: { authorization: 'Bearer nonsense' } })).toBe(401);
    expect(await ask({ path: '/exec/default/box/main?command=id&output=1' })).toBe(401);
    const node = await pki.node('other');
    expect(await ask({ cert: node.certificate, key: node.privateKey })).toBe(403);
    const admin = await pki.admin();
    expect(await ask({ cert: admin.certificate, key: admin.privateKey })).toBe(200);
    expect(await ask({ cert: admin.certificate, key: admin.privateKey, path: '/nothing' })).toBe(404);
  });

  test('an upgrade without the right, before anything runs', async () => {
    const marker = path.join(folder, 'marker');
    const url = `wss://127.0.0.1:${agentPort}/exec/default/box/main?output=1&command=touch&command=${marker}`;
    const socket = new WebSocket(url, ['v5.channel.k8s.io'], { ca: pki.authority.certificate });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('401');
    expect(existsSync(marker)).toBe(false);
  });
});

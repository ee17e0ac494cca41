import type { ChildProcess } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({ range: 206 });

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

/** Somebody at a terminal, who types when the expected has appeared. */
class Typist {
  said = '';
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.ended = new Promise((resolve) => child.on('close', resolve));
  }

  /** Types something every now and then until it shows. */
  async type(text: string, shows: RegExp): Promise<void> {
    const from = this.said.length;
    await eventually(
      async () => {
        this.#child.stdin?.write(text);
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect(this.said.slice(from)).toMatch(shows);
      },
      30_000,
      500,
    );
  }

  close(text: string): void {
    this.#child.stdin?.write(text);
  }
}

describe.concurrent('streams into real containers', () => {
  it('exec: output, exit code, standard input that ends, and commands that are not there', async () => {
    const { kubectl } = await cluster.scene('streams');
    await kubectl.apply(shellPod('runs', RUNS));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/runs', '--timeout=40s']);
    expect(await kubectl.ok(['exec', 'runs', '--', 'echo', 'hello'])).toBe('hello\n');
    expect(await kubectl.ok(['exec', '-i', 'runs', '--', 'cat'], { input: 'x' })).toBe('x');
    expect((await kubectl.run(['exec', 'runs', '--', 'sh', '-c', 'echo oops >&2; exit 7'])).code).toBe(7);
    expect(await kubectl.fails(['exec', 'runs', '--', '/not/there'])).toContain('no such file or directory');
  });

  it('row 174: logs by tail, bytes, time stamps, and as they come', async () => {
    const { kubectl } = await cluster.scene('streams');
    await kubectl.apply(shellPod('writes', 'for n in 1 2 3 4 5; do echo line $n; done; sleep 3; echo last'));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/writes', '--timeout=40s']);
    const followed = kubectl.ok(['logs', '--follow', 'writes']);
    await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/writes', '--timeout=40s']);
    expect((await followed).endsWith('last\n')).toBe(true);
    expect(await kubectl.ok(['logs', 'writes', '--tail=2'])).toBe('line 5\nlast\n');
    expect(await kubectl.ok(['logs', 'writes', '--limit-bytes=6'])).toBe('line 1');
    expect(await kubectl.ok(['logs', 'writes', '--timestamps', '--tail=1'])).toMatch(/^\d{4}-\d\d-\d\dT\S+ last\n$/);
    expect(await kubectl.ok(['logs', 'writes', '--since=1h'])).toContain('line 1\n');
  });

  it('logs of the container before, while its successor waits and while it runs', async () => {
    const { kubectl } = await cluster.scene('streams');
    const script = 'echo run >>/v/f; echo run $(wc -l </v/f); test $(wc -l </v/f) -gt 1 && sleep 1000; exit 1';
    await kubectl.apply(
      shellPod('crash', script, {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { restartPolicy: 'Always', volumes: [{ name: 'v', emptyDir: {} }] },
      }),
    );
    await eventually(async () => {
      expect(await kubectl.ok(['logs', 'crash'])).toBe('run 2\n');
      expect(await kubectl.ok(['logs', 'crash', '--previous'])).toBe('run 1\n');
    }, 60_000);
    expect(await kubectl.fails(['logs', 'crash', '-c', 'none'])).toContain('container none is not valid for pod crash');
  });

  it('cp, port-forward and debug', async () => {
    const { kubectl } = await cluster.scene('streams');
    await kubectl.apply(
      shellPod('web', `mkdir -p /www; echo page >/www/index.html; httpd -f -p 8080 -h /www & ${RUNS}`),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=40s']);
    const file = `${cluster.folder()}/copy`;
    await kubectl.ok(['cp', 'web:/www/index.html', file]);
    await kubectl.ok(['cp', file, 'web:/tmp/back']);
    expect(await kubectl.ok(['exec', 'web', '--', 'cat', '/tmp/back'])).toBe('page\n');
    const forward = kubectl.spawn(['port-forward', 'web', ':8080']);
    try {
      let said = '';
      forward.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const port = await eventually(async () => {
        const found = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        expect(found).toBeDefined();
        return found;
      });
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('page\n');
    } finally {
      forward.kill();
    }
    await kubectl.ok([
      'debug',
      'web',
      '--image=localhost/busybox:test',
      '--container=helper',
      '--',
      'sh',
      '-c',
      'echo looked',
    ]);
    await eventually(async () => expect(await kubectl.ok(['logs', 'web', '-c', 'helper'])).toBe('looked\n'));
  });

  it('the proxy reaches a pod and a service', async () => {
    const { kubectl, namespace } = await cluster.scene('streams');
    const container = { ports: [{ name: 'http', containerPort: 8080 }] };
    await kubectl.apply(
      shellPod('web', `mkdir -p /www; echo page >/www/index.html; httpd -f -p 8080 -h /www & ${RUNS}`, {
        container,
        metadata: { labels: { app: 'web' } },
      }),
    );
    await kubectl.ok(['expose', 'pod', 'web', '--port=80', '--target-port=http']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=40s']);
    const base = `/api/v1/namespaces/${namespace}`;
    await eventually(async () => {
      expect(await kubectl.ok(['get', '--raw', `${base}/pods/web:8080/proxy/`])).toBe('page\n');
      expect(await kubectl.ok(['get', '--raw', `${base}/services/web/proxy/`])).toBe('page\n');
    });
  });

  it('attach with a terminal: what is typed reaches the process, and its end ends the session', async () => {
    const { kubectl, client, namespace } = await cluster.scene('streams');
    await kubectl.apply(shellPod('shell', 'exec sh', { container: { stdin: true, tty: true } }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/shell', '--timeout=40s']);
    const typist = new Typist(kubectl.inTerminal(['attach', '-it', 'shell']));
    await typist.type('echo $((6 * 7))\r', /^42\r?$/m);
    await typist.type('stty size; tty\r', /^30 100\r?\n\/dev\/\S+\r?$/m);
    typist.close('exit 5\r');
    await typist.ended;
    await eventually(async () =>
      expect(
        (await client.get(pods, { namespace, name: 'shell' })).status?.containerStatuses?.[0]?.state?.terminated,
      ).toMatchObject({ exitCode: 5, reason: 'Error' }),
    );
  });

  it('exec with a terminal has its size, one output, and the exit code of the command', async () => {
    const { kubectl } = await cluster.scene('streams');
    await kubectl.apply(shellPod('runs', RUNS));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/runs', '--timeout=40s']);
    const typist = new Typist(kubectl.inTerminal(['exec', '-it', 'runs', '--', 'sh']));
    await typist.type('echo $((6 * 7)) >&2\r', /^42\r?$/m);
    await typist.type('stty size; tty\r', /^30 100\r?\n\/dev\/\S+\r?$/m);
    typist.close('exit 9\r');
    expect(await typist.ended).toBe(9);
  });

  it('attach without a terminal: standard input arrives, ends, and so does the process', async () => {
    const { kubectl } = await cluster.scene('streams');
    await kubectl.apply(shellPod('counts', 'wc -c; echo over >&2', { container: { stdin: true, stdinOnce: true } }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/counts', '--timeout=40s']);
    const { code, stdout, stderr } = await kubectl.run(['attach', '-i', 'counts'], { input: 'twelve bytes' });
    expect([code, stdout.trim()]).toEqual([0, '12']);
    expect(stderr).toContain('over\n');
    const run = ['run', '--rm', '-i', '--restart=Never', '--image=localhost/busybox:test', 'once', '--', 'cat'];
    expect(await kubectl.ok(run, { input: 'through and through' })).toContain('through and through');
    expect(await kubectl.ok(['get', 'pods', '-o', 'name'])).toBe('pod/counts\n');
  });

  it('kubectl top: what the node, its pods and their containers use', async () => {
    const { kubectl, client, namespace } = await cluster.scene('streams');
    const idle = { name: 'idle', image: 'localhost/busybox:test', command: ['sh', '-c', RUNS] };
    await kubectl.apply(
      shellPod('busy', 'while true; do :; done', {
        metadata: { labels: { app: 'busy' } },
        container: { resources: { limits: { cpu: '200m' } } },
        spec: { initContainers: [{ ...idle, restartPolicy: 'Always' }] },
      }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/busy', '--timeout=40s']);
    await eventually(async () => {
      const [row = ''] = (await kubectl.ok(['top', 'pods', '--no-headers', '-l', 'app=busy'])).split('\n');
      const [name, cores, bytes] = row.split(/ +/);
      expect(name).toBe('busy');
      // It takes all that it may; on a machine that others use too it may get less.
      expect(Number(/^(\d+)m$/.exec(cores ?? '')?.[1])).toBeGreaterThan(20);
      expect(Number(/^(\d+)m$/.exec(cores ?? '')?.[1])).toBeLessThan(300);
      expect(bytes).toMatch(/^\d+Mi$/);
    });
    const rows = (await kubectl.ok(['top', 'pods', '--containers', '--no-headers'])).trim().split('\n');
    expect(rows.map((row) => row.split(/ +/).slice(0, 2)).sort()).toEqual([
      ['busy', 'idle'],
      ['busy', 'main'],
    ]);
    const node = (await client.get(pods, { namespace, name: 'busy' })).spec?.nodeName ?? '';
    expect(await kubectl.ok(['top', 'nodes', '--no-headers'])).toMatch(
      new RegExp(`^${node} +[1-9]\\d*m +\\d+% +[1-9]\\d*Mi +\\d+% *\\n$`),
    );
    // As a metrics-server would read it.
    const text = await kubectl.ok(['get', '--raw', `/api/v1/nodes/${node}/proxy/metrics/resource`]);
    expect(text).toMatch(
      new RegExp(`^container_cpu_usage_seconds_total{container="main",namespace="${namespace}",pod="busy"} \\d`, 'm'),
    );
    expect(text).toMatch(/^node_memory_working_set_bytes [1-9]\d+ \d{13}$/m);
  });
});

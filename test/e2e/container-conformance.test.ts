import { describe, expect, it } from 'vitest';
import { configMaps, pods, secrets } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({ range: 208 });

const IMAGE = 'localhost/busybox:test';
const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';
const AT_ONCE = { terminationGracePeriodSeconds: 0 };

/** Prints path, mode and content of every file below /v, in order. */
const SHOW = `cd /v; for f in $(find -L . -type f ! -path '*..*' | sort); do echo "$(stat -L -c '%n %a' $f) $(cat $f)"; done`;

interface Volume {
  name: string;
  [source: string]: unknown;
}

/** A pod that has each of these volumes at /v/NAME. */
const withVolumes = (name: string, script: string, volumes: Volume[], spec: object = {}): object =>
  shellPod(name, script, {
    container: {
      volumeMounts: volumes.map((volume) => ({ name: volume.name, mountPath: `/v/${volume.name}` })),
      resources: { limits: { cpu: '250m', memory: '64Mi' }, requests: { cpu: '125m', memory: '32Mi' } },
    },
    spec: { volumes, ...spec },
  });

const projected = (name: string, source: object, more: object = {}): Volume => ({
  name,
  projected: { sources: [source], ...more },
});

describe.concurrent('what conformance demands of volumes', () => {
  it('rows 331, 361, 366, 369, 372, 386, 389, 391, 394, 397, 399: config maps and secrets side by side, once and twice, mapped and not', async () => {
    const { kubectl } = await cluster.scene('rows');
    await kubectl.ok(['create', 'configmap', 'c', '--from-literal=k=config']);
    await kubectl.ok(['create', 'secret', 'generic', 's', '--from-literal=k=secret']);
    const items = [{ key: 'k', path: 'path/to/k' }];
    const volumes = [
      { name: 'c1', configMap: { name: 'c' } },
      { name: 'c2', configMap: { name: 'c' } },
      { name: 's1', secret: { secretName: 's' } },
      { name: 's2', secret: { secretName: 's', items } },
      projected('pc1', { configMap: { name: 'c' } }),
      projected('pc2', { configMap: { name: 'c', items } }),
      projected('ps1', { secret: { name: 's' } }),
      projected('ps2', { secret: { name: 's', items } }),
    ];
    expect((await outputOf(kubectl, withVolumes('all', SHOW, volumes))).trim().split('\n')).toEqual([
      './c1/k 644 config',
      './c2/k 644 config',
      './pc1/k 644 config',
      './pc2/path/to/k 644 config',
      './ps1/k 644 secret',
      './ps2/path/to/k 644 secret',
      './s1/k 644 secret',
      './s2/path/to/k 644 secret',
    ]);
  });

  it('rows 368, 381, 382, 388, 390, 396, 398: modes of volumes and of single files', async () => {
    const { kubectl } = await cluster.scene('rows');
    await kubectl.ok(['create', 'configmap', 'c', '--from-literal=k=config']);
    await kubectl.ok(['create', 'secret', 'generic', 's', '--from-literal=k=secret']);
    const items = [{ key: 'k', path: 'p', mode: 0o400 }];
    const named = { path: 'n', fieldRef: { fieldPath: 'metadata.name' } };
    const volumes = [
      { name: 's1', secret: { secretName: 's', defaultMode: 0o400 } },
      { name: 's2', secret: { secretName: 's', items } },
      projected('pc', { configMap: { name: 'c' } }, { defaultMode: 0o400 }),
      projected('pd1', { downwardAPI: { items: [named] } }, { defaultMode: 0o400 }),
      projected('pd2', { downwardAPI: { items: [{ ...named, mode: 0o400 }] } }),
      projected('ps1', { secret: { name: 's' } }, { defaultMode: 0o400 }),
      projected('ps2', { secret: { name: 's', items } }),
    ];
    expect((await outputOf(kubectl, withVolumes('modes', SHOW, volumes))).trim().split('\n')).toEqual([
      './pc/k 400 config',
      './pd1/n 400 modes',
      './pd2/n 400 modes',
      './ps1/k 400 secret',
      './ps2/p 400 secret',
      './s1/k 400 secret',
      './s2/p 400 secret',
    ]);
  });

  it('rows 367, 371, 387, 395: another user than root reads what its group may', async () => {
    const { kubectl } = await cluster.scene('rows');
    await kubectl.ok(['create', 'configmap', 'c', '--from-literal=k=config']);
    await kubectl.ok(['create', 'secret', 'generic', 's', '--from-literal=k=secret']);
    const volumes = [
      { name: 's', secret: { secretName: 's', defaultMode: 0o440 } },
      projected('pc1', { configMap: { name: 'c' } }),
      projected('pc2', { configMap: { name: 'c', items: [{ key: 'k', path: 'deep/k' }] } }),
      projected('ps', { secret: { name: 's' } }, { defaultMode: 0o440 }),
    ];
    const securityContext = { runAsUser: 1000, fsGroup: 1001 };
    const told = await outputOf(kubectl, withVolumes('user', `id -u; ${SHOW}`, volumes, { securityContext }));
    expect(told.trim().split('\n')).toEqual([
      '1000',
      expect.stringMatching(/^\.\/pc1\/k 64[04] config$/),
      expect.stringMatching(/^\.\/pc2\/deep\/k 64[04] config$/),
      './ps/k 440 secret',
      './s/k 440 secret',
    ]);
  });

  it('rows 237, 238, 239, 240, 301, 302, 374–380: what a pod knows of itself, in variables and projected files', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    const amount = (resource: string, divisor?: string): object => ({
      resourceFieldRef: { containerName: 'main', resource, ...(divisor && { divisor }) },
    });
    const facts = {
      a: amount('limits.cpu', '1m'),
      b: amount('requests.cpu', '1m'),
      c: amount('limits.memory'),
      d: amount('requests.memory'),
    };
    const files = [
      ...Object.entries(facts).map(([file, from]) => ({ path: file, ...from })),
      { path: 'e', fieldRef: { fieldPath: 'metadata.name' } },
    ];
    const env = [
      ...Object.entries(facts).map(([key, valueFrom]) => ({ name: `V_${key}`, valueFrom })),
      { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
      { name: 'ID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    ];
    const script =
      'echo $V_a $V_b $V_c $V_d; echo $HOST $ID; cd /v; for f in a b c d e; do echo $(cat $f); done; echo $0 $1';
    const pod = (name: string, resources: object): object =>
      shellPod(name, '', {
        container: {
          env,
          resources,
          command: ['sh', '-c', script, '$(HOST)'],
          args: ['$(ID)'],
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
        spec: { volumes: [projected('v', { downwardAPI: { items: files } })] },
      });
    const limited = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '32Mi' } };
    const told = (await outputOf(kubectl, pod('limited', limited))).trim().split('\n');
    const { metadata, status } = await client.get(pods, { namespace, name: 'limited' });
    const amounts = ['500', '250', '67108864', '33554432'];
    expect(told).toEqual([
      amounts.join(' '),
      `${status?.hostIP} ${metadata?.uid}`,
      ...amounts,
      'limited',
      `${status?.hostIP} ${metadata?.uid}`,
    ]);
    const free = (await outputOf(kubectl, pod('free', {}))).trim().split('\n');
    const [node] = (
      await kubectl.json<{ items: { status: { allocatable: Record<string, string> } }[] }>(['get', 'nodes'])
    ).items;
    const { cpu = '', memory = '' } = node?.status.allocatable ?? {};
    const cores = cpu.endsWith('m') ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
    expect(free[0]?.split(' ')[0]).toBe(String(cores));
    expect(free[2]).toBe(String(cores));
    expect(memory).toMatch(/^\d+(Ki)?$/);
    const bytes = memory.endsWith('Ki') ? Number(memory.slice(0, -2)) * 1024 : Number(memory);
    expect([free[0]?.split(' ')[2], free[4]]).toEqual([String(bytes), String(bytes)]);
  });

  it('rows 373, 383, 384, 385, 392: mounted files follow what they show', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    await kubectl.ok(['create', 'configmap', 'c', '--from-literal=k=one']);
    await kubectl.ok(['create', 'secret', 'generic', 'goes', '--from-literal=k=here']);
    const field = (file: string, fieldPath: string): object => ({ path: file, fieldRef: { fieldPath } });
    const volumes = [
      projected('c', { configMap: { name: 'c' } }),
      projected('d', {
        downwardAPI: {
          items: [field('labels', "metadata.labels['l']"), field('notes', "metadata.annotations['n']")],
        },
      }),
      projected('ps', { secret: { name: 'goes', optional: true } }),
      { name: 's', secret: { secretName: 'comes', optional: true } },
    ];
    const files = '/v/c/k /v/d/labels /v/d/notes /v/ps/k /v/s/k';
    const show = `for f in ${files}; do cat $f 2>/dev/null; echo; done | tr '\\n' ' '`;
    const pod = shellPod('follows', `while true; do echo $(${show}); sleep 1; done`, {
      metadata: { labels: { l: 'l1' }, annotations: { n: 'n1' } },
      container: { volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` })) },
      spec: { volumes, ...AT_ONCE },
    });
    await kubectl.apply(pod);
    const last = async (): Promise<string> => (await kubectl.ok(['logs', 'follows', '--tail=1'])).trim();
    await eventually(async () => expect(await last()).toBe('one l1 n1 here'), 40_000);
    await client.patch(configMaps, { namespace, name: 'c' }, 'merge', { data: { k: 'two' } });
    await client.patch(pods, { namespace, name: 'follows' }, 'merge', {
      metadata: { labels: { l: 'l2' }, annotations: { n: 'n2' } },
    });
    await client.delete(secrets, { namespace, name: 'goes' });
    await kubectl.ok(['create', 'secret', 'generic', 'comes', '--from-literal=k=late']);
    await eventually(async () => expect(await last()).toBe('two l2 n2 late'), 60_000, 500);
  });

  it('rows 402, 403, 404, 405, 406: a part of a volume, beside and over what the image has', async () => {
    const { kubectl } = await cluster.scene('rows');
    await kubectl.ok(['create', 'configmap', 'c', '--from-literal=k=config', '--from-literal=other=x']);
    await kubectl.ok(['create', 'secret', 'generic', 's', '--from-literal=k=secret']);
    const items = [{ path: 'k', fieldRef: { fieldPath: 'metadata.name' } }];
    const volumes = [
      { name: 'c', configMap: { name: 'c' } },
      { name: 'd', downwardAPI: { items } },
      { name: 'p', projected: { sources: [{ configMap: { name: 'c' } }] } },
      { name: 's', secret: { secretName: 's' } },
    ];
    const at = (name: string, mountPath: string): object => ({ name, mountPath, subPath: 'k' });
    const volumeMounts = [at('c', '/p/c'), at('c', '/etc/group'), at('d', '/p/d'), at('p', '/p/p'), at('s', '/p/s')];
    const script = 'for f in /p/c /etc/group /p/d /p/p /p/s; do echo $(cat $f); done; ls /p; id -u';
    const pod = shellPod('parts', script, { container: { volumeMounts }, spec: { volumes } });
    expect(await outputOf(kubectl, pod)).toBe('config\nconfig\nparts\nconfig\nsecret\nc\nd\np\ns\n0\n');
  });

  it('row 360: pods with fifty config map volumes each all start', async () => {
    const { kubectl } = await cluster.scene('rows');
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const map = (name: string): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { k: name },
    });
    await kubectl.ok(['create', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: names.map(map) }),
    });
    const volumes = names.map((name) => ({ name, configMap: { name } }));
    const script = 'cat /v/*/k | wc -c';
    const told = ['one', 'two', 'three'].map((name) => outputOf(kubectl, withVolumes(name, script, volumes)));
    const length = names.join('').length;
    expect(await Promise.all(told)).toEqual(Array.from({ length: 3 }, () => `${length}\n`));
  });

  it('rows 154, 393: a token for whom it is asked, and the secret of the own namespace', async () => {
    const { kubectl } = await cluster.scene('rows');
    const other = await cluster.scene('rows');
    await kubectl.ok(['create', 'secret', 'generic', 'same', '--from-literal=k=mine']);
    await other.kubectl.ok(['create', 'secret', 'generic', 'same', '--from-literal=k=theirs']);
    const token = { serviceAccountToken: { path: 'token', audience: 'somebody', expirationSeconds: 3600 } };
    const volumes = [{ name: 's', secret: { secretName: 'same' } }, projected('t', token)];
    const [mine, claims = ''] = (
      await outputOf(kubectl, withVolumes('reads', 'echo $(cat /v/s/k); cut -d. -f2 /v/t/token', volumes))
    ).split('\n');
    expect(mine).toBe('mine');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: ['somebody'] });
  });
});

describe.concurrent('what conformance demands of the life of pods', () => {
  it('rows 225, 227, 272: hooks over HTTP reach a server after the start and before the end', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    const answer = `printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'`;
    await kubectl.apply(
      shellPod('server', `while true; do ${answer} | nc -l -p 8080 | head -1; done`, { spec: AT_ONCE }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/server', '--timeout=40s']);
    const host = (await client.get(pods, { namespace, name: 'server' })).status?.podIP;
    const to = (path: string): object => ({ httpGet: { host, port: 8080, path } });
    const lifecycle = { postStart: to('/started'), preStop: to('/stopping') };
    await kubectl.apply(
      shellPod('hooked', RUNS, { container: { lifecycle }, spec: { terminationGracePeriodSeconds: 5 } }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/hooked', '--timeout=40s']);
    await eventually(async () =>
      expect(await kubectl.ok(['logs', 'server'])).toMatch(/^GET \/started HTTP\/1\.1\r?\n$/),
    );
    await kubectl.ok(['delete', 'pod', 'hooked', '--timeout=40s']);
    await eventually(async () =>
      expect(await kubectl.ok(['logs', 'server'])).toMatch(
        /^GET \/started HTTP\/1\.1\r?\nGET \/stopping HTTP\/1\.1\r?\n$/,
      ),
    );
  });

  it('rows 244, 245, 246, 247: init containers come first, one after the other, and hold up the others when they fail', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    const init = (name: string, script: string): object => ({ name, image: IMAGE, command: ['sh', '-c', script] });
    const pod = (name: string, restartPolicy: string, first: string, main: string): object =>
      shellPod(name, main, {
        spec: { restartPolicy, initContainers: [init('one', first), init('two', 'true')], ...AT_ONCE },
      });
    await kubectl.apply(
      pod('always', 'Always', 'true', RUNS),
      pod('never', 'Never', 'true', 'true'),
      pod('fails', 'Never', 'exit 1', 'true'),
      pod('retries', 'Always', 'exit 1', RUNS),
    );
    const status = async (name: string) => (await client.get(pods, { namespace, name })).status;
    await eventually(async () => {
      const always = await status('always');
      expect(always?.phase).toBe('Running');
      const ended = always?.initContainerStatuses?.map(({ state }) => state?.terminated);
      expect(ended).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
      expect(Date.parse(ended?.[0]?.finishedAt ?? '')).toBeLessThanOrEqual(Date.parse(ended?.[1]?.startedAt ?? ''));
      expect(always?.conditions?.find(({ type }) => type === 'Initialized')?.status).toBe('True');
      expect((await status('never'))?.phase).toBe('Succeeded');
      const fails = await status('fails');
      expect(fails?.phase).toBe('Failed');
      expect(fails?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
      const retries = await status('retries');
      expect(retries?.phase).toBe('Pending');
      expect(retries?.initContainerStatuses?.[0]?.restartCount).toBeGreaterThanOrEqual(1);
      expect(retries?.initContainerStatuses?.[1]?.state?.waiting?.reason).toBe('PodInitializing');
      expect(retries?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
    }, 50_000);
  });

  it('rows 242, 243: containers added to a pod that runs', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    await kubectl.apply(shellPod('live', RUNS, { spec: AT_ONCE }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/live', '--timeout=40s']);
    const added = (name: string): object => ({ name, image: IMAGE, command: ['sh', '-c', `echo ${name}; ${RUNS}`] });
    const add = (...names: string[]): Promise<string> =>
      kubectl.ok([
        'patch',
        'pod',
        'live',
        '--subresource=ephemeralcontainers',
        '--type=strategic',
        '-p',
        JSON.stringify({ spec: { ephemeralContainers: names.map(added) } }),
      ]);
    const running = async (): Promise<string[]> =>
      ((await client.get(pods, { namespace, name: 'live' })).status?.ephemeralContainerStatuses ?? [])
        .filter(({ state }) => state?.running !== undefined)
        .map(({ name }) => name);
    await add('one');
    await eventually(async () => expect(await running()).toEqual(['one']));
    expect(await kubectl.ok(['logs', 'live', '-c', 'one'])).toBe('one\n');
    expect(await kubectl.ok(['exec', 'live', '-c', 'one', '--', 'echo', 'inside'])).toBe('inside\n');
    await add('two');
    await eventually(async () => expect((await running()).sort()).toEqual(['one', 'two']));
  });

  it('rows 179, 250, 281: own names in the hosts file, ends with a reason, ready after a delay', async () => {
    const { kubectl, client, namespace } = await cluster.scene('rows');
    const readinessProbe = { exec: { command: ['true'] }, initialDelaySeconds: 4, periodSeconds: 1 };
    await kubectl.apply(
      shellPod('late', RUNS, { container: { readinessProbe }, spec: AT_ONCE }),
      shellPod('ends', 'exit 3'),
    );
    const spec = { hostname: 'me', subdomain: 'us' };
    const told = await outputOf(
      kubectl,
      shellPod('named', 'ping -c1 -W1 me | head -1; ping -c1 -W1 $(hostname -f) | head -1', { spec }),
    );
    const ip = (await client.get(pods, { namespace, name: 'named' })).status?.podIP;
    expect(told.split('\n').slice(0, 2)).toEqual([
      expect.stringContaining(`PING me (${ip})`),
      expect.stringContaining(`PING me.us.${namespace}.svc.cluster.local (${ip})`),
    ]);
    await eventually(async () => {
      const late = (await client.get(pods, { namespace, name: 'late' })).status;
      expect(late?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
      const readyMs = Date.parse(String(late?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime));
      const startedMs = Date.parse(String(late?.containerStatuses?.[0]?.state?.running?.startedAt));
      expect(readyMs - startedMs).toBeGreaterThanOrEqual(3_000);
      const ended = (await client.get(pods, { namespace, name: 'ends' })).status?.containerStatuses?.[0]?.state;
      expect(ended?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    });
  });
});

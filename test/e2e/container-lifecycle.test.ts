import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({
  range: 203,
  images: [
    { name: 'localhost/greeter:test', entrypoint: ['/bin/echo', 'hello'], cmd: ['world'] },
    { name: 'localhost/named-user:test', cmd: ['id'], user: 'web' },
  ],
});

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

describe.concurrent('the life of real containers', () => {
  it.each([
    ['row 236', {}, 'hello world\n'],
    ['row 233', { args: ['there'] }, 'hello there\n'],
    ['row 234', { command: ['/bin/echo', 'bye'] }, 'bye\n'],
    ['row 235', { command: ['/bin/echo', 'bye'], args: ['$(WHO)', '$$(WHO)'] }, 'bye moon $(WHO)\n'],
  ])('%s: command and arguments of image and pod', async (_row, given, expected) => {
    const { kubectl } = await cluster.scene('life');
    const pod = shellPod('echo', '', {
      container: {
        image: 'localhost/greeter:test',
        env: [{ name: 'WHO', value: 'moon' }],
        command: undefined,
        ...given,
      },
    });
    expect(await outputOf(kubectl, pod)).toBe(expected);
  });

  it('rows 220, 221, 288, 289, 300: variables from config maps, secrets and each other', async () => {
    const { kubectl } = await cluster.scene('life');
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=COLOR=blue', '--from-literal=SIZE=big']);
    await kubectl.ok(['create', 'secret', 'generic', 'hidden', '--from-literal=WORD=sesame']);
    const container = {
      envFrom: [{ prefix: 'C_', configMapRef: { name: 'config' } }, { secretRef: { name: 'hidden' } }],
      env: [
        { name: 'ONE', valueFrom: { configMapKeyRef: { name: 'config', key: 'COLOR' } } },
        { name: 'TWO', value: '$(ONE)-$(WORD)-$(NONE)' },
        { name: 'GONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'x', optional: true } } },
      ],
    };
    const pod = shellPod('env', 'echo $C_COLOR $C_SIZE $WORD $ONE "$TWO" ${GONE-unset}', { container });
    expect(await outputOf(kubectl, pod)).toBe('blue big sesame blue blue-sesame-$(NONE) unset\n');
  });

  it('row 265: variables of services that are there', async () => {
    const { kubectl } = await cluster.scene('life');
    await kubectl.ok(['create', 'service', 'clusterip', 'my-db', '--tcp=5432:5432']);
    const ip = await kubectl.path(['get', 'service', 'my-db'], '{.spec.clusterIP}');
    const pod = shellPod(
      'services',
      'echo $MY_DB_SERVICE_HOST $MY_DB_SERVICE_PORT $MY_DB_PORT_5432_TCP $KUBERNETES_SERVICE_PORT',
    );
    expect(await outputOf(kubectl, pod)).toBe(`${ip} 5432 tcp://${ip}:5432 443\n`);
  });

  it('a config map that is not there keeps the container from starting, and says so', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    await kubectl.apply(shellPod('lacks', 'true', { container: { envFrom: [{ configMapRef: { name: 'absent' } }] } }));
    await eventually(async () =>
      expect((await client.get(pods, { namespace, name: 'lacks' })).status?.containerStatuses?.[0]?.state).toEqual({
        waiting: { reason: 'CreateContainerConfigError', message: 'configmap "absent" not found' },
      }),
    );
    await kubectl.ok(['create', 'configmap', 'absent', '--from-literal=A=b']);
    await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/lacks', '--timeout=30s']);
  });

  it('rows 228, 229, 230, 231: the last word of a container', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    const other = { ...policy, terminationMessagePath: '/tmp/word', securityContext: { runAsUser: 1000 } };
    await kubectl.apply(shellPod('silent', 'echo noise', { container: policy }));
    await kubectl.apply(shellPod('file', 'printf OK >/tmp/word', { container: other }));
    await kubectl.apply(shellPod('loud', 'echo DONE; exit 1', { container: policy }));
    const terminated = async (name: string) =>
      (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0]?.state?.terminated;
    await eventually(async () => {
      expect(await terminated('silent')).toMatchObject({ reason: 'Completed' });
      expect((await terminated('silent'))?.message).toBeUndefined();
      expect(await terminated('file')).toMatchObject({ message: 'OK' });
      expect(await terminated('loud')).toMatchObject({ exitCode: 1, reason: 'Error', message: 'DONE\n' });
    });
  });

  it('rows 224, 226: hooks run after the start and before the end', async () => {
    const { kubectl } = await cluster.scene('life');
    const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-hooks-'));
    try {
      const lifecycle = {
        postStart: { exec: { command: ['sh', '-c', 'echo started >/out/start'] } },
        preStop: { exec: { command: ['sh', '-c', 'echo stopping >/out/stop'] } },
      };
      const container = { lifecycle, volumeMounts: [{ name: 'out', mountPath: '/out' }] };
      const volumes = [{ name: 'out', hostPath: { path: folder, type: 'Directory' } }];
      await kubectl.apply(shellPod('hooks', RUNS, { container, spec: { volumes } }));
      await kubectl.ok(['wait', '--for=condition=Ready', 'pod/hooks', '--timeout=30s']);
      expect(readFileSync(path.join(folder, 'start'), 'utf8')).toBe('started\n');
      expect(existsSync(path.join(folder, 'stop'))).toBe(false);
      await kubectl.ok(['delete', 'pod', 'hooks', '--timeout=30s']);
      expect(readFileSync(path.join(folder, 'stop'), 'utf8')).toBe('stopping\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('rows 273, 275, 276, 277, 279, 282: probes', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    const times = { periodSeconds: 1, failureThreshold: 1 };
    const web = { command: ['httpd', '-f', '-p', '8080', '-h', '/etc'] };
    const probed = (name: string, container: object, script = RUNS) =>
      kubectl.apply(
        shellPod(name, script, { container, spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 0 } }),
      );
    await probed('http-good', {
      ...web,
      livenessProbe: { httpGet: { path: '/passwd', port: 8080 }, initialDelaySeconds: 1, ...times },
    });
    await probed('http-bad', {
      ...web,
      livenessProbe: { httpGet: { path: '/none', port: 8080 }, initialDelaySeconds: 1, ...times },
    });
    await probed('tcp-good', {
      ...web,
      livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 1, ...times },
    });
    await probed('file-bad', {
      livenessProbe: { exec: { command: ['cat', '/tmp/health'] }, initialDelaySeconds: 2, ...times },
    });
    await probed('never-ready', { readinessProbe: { exec: { command: ['false'] }, ...times } });
    await probed(
      'late',
      { startupProbe: { exec: { command: ['sh', '-c', 'test -e /tmp/up'] }, periodSeconds: 1, failureThreshold: 30 } },
      `sleep 2; touch /tmp/up; ${RUNS}`,
    );
    const status = async (name: string) => (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0];
    await eventually(async () => {
      expect((await status('http-bad'))?.restartCount).toBeGreaterThanOrEqual(1);
      expect((await status('file-bad'))?.restartCount).toBeGreaterThanOrEqual(1);
      expect(await status('late')).toMatchObject({ started: true, ready: true, restartCount: 0 });
    }, 40_000);
    for (const name of ['http-good', 'tcp-good']) {
      expect(await status(name)).toMatchObject({ ready: true, restartCount: 0 });
    }
    expect(await status('never-ready')).toMatchObject({ ready: false, started: true, restartCount: 0 });
    const told = await kubectl.ok(['get', 'events']);
    expect(told).toContain('Liveness probe failed: HTTP probe failed with statuscode: 404');
    expect(told).toContain('Container main failed liveness probe, will be restarted');
  });

  it('rows 251, 292–297, 299: what a process may', async () => {
    const { kubectl } = await cluster.scene('life');
    const script =
      'id -u; id -g; touch /f 2>&1; grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status; cat /proc/sys/kernel/shm_rmid_forced';
    const securityContext = {
      runAsUser: 65534,
      runAsGroup: 1234,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    const spec = { securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] } };
    expect(await outputOf(kubectl, shellPod('confined', script, { container: { securityContext }, spec }))).toBe(
      '65534\n1234\ntouch: /f: Read-only file system\nNoNewPrivs:\t1\nCapEff:\t0000000000000000\n1\n',
    );
    const user = shellPod('named', 'id -u', { container: { image: 'localhost/named-user:test' } });
    expect(await outputOf(kubectl, user)).toBe('1000\n');
  });

  it('a container that must not be root, and would be, does not start', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    await kubectl.apply(shellPod('root', 'id', { container: { securityContext: { runAsNonRoot: true } } }));
    await eventually(async () => {
      const waiting = (await client.get(pods, { namespace, name: 'root' })).status?.containerStatuses?.[0]?.state
        ?.waiting;
      expect(waiting?.reason).toBe('CreateContainerConfigError');
      expect(waiting?.message).toContain('container has runAsNonRoot and image will run as root (pod: "root_');
    });
  });

  it('images that are not there, in Kubernetes’ reasons', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    await kubectl.apply(
      shellPod('never', 'true', { container: { image: 'localhost/none:1', imagePullPolicy: 'Never' } }),
    );
    await kubectl.apply(shellPod('pull', 'true', { container: { image: '127.0.0.1:1/none:1' } }));
    await kubectl.apply(shellPod('wrong', 'true', { container: { image: 'Not A Name' } }));
    const waiting = async (name: string) =>
      (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0]?.state?.waiting;
    await eventually(async () => {
      expect(await waiting('never')).toMatchObject({ reason: 'ErrImageNeverPull' });
      expect((await waiting('pull'))?.reason).toBe('ImagePullBackOff');
      expect(await waiting('wrong')).toMatchObject({ reason: 'InvalidImageName' });
    });
    expect((await waiting('pull'))?.message).toContain('Back-off pulling image "127.0.0.1:1/none:1": ErrImagePull:');
  });

  it('limits of memory hold, and say OOMKilled', async () => {
    const { kubectl, client, namespace } = await cluster.scene('life');
    const resources = { limits: { memory: '16Mi', cpu: '500m' } };
    const script = 'x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done';
    await kubectl.apply(shellPod('hungry', script, { container: { resources } }));
    await eventually(async () => {
      const pod = await client.get(pods, { namespace, name: 'hungry' });
      expect(pod.status?.qosClass).toBe('Guaranteed');
      expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        exitCode: 137,
        reason: 'OOMKilled',
      });
    }, 30_000);
  });

  it('rows 186, 252, 253: resolver, hosts file and host name', async () => {
    const { kubectl, namespace } = await cluster.scene('life');
    const spec = {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['example.com'], options: [{ name: 'ndots', value: '2' }] },
      hostAliases: [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }],
      hostname: 'me',
      subdomain: 'us',
    };
    const text = await outputOf(kubectl, shellPod('names', 'hostname; cat /etc/resolv.conf /etc/hosts', { spec }));
    expect(text).toContain(
      'me\nsearch example.com\nnameserver 1.1.1.1\noptions ndots:2\n# Kubernetes-managed hosts file.\n',
    );
    expect(text).toMatch(new RegExp(`10\\.203\\.0\\.\\d+\\tme\\.us\\.${namespace}\\.svc\\.cluster\\.local\\tme\\n`));
    expect(text).toContain('123.45.67.89\tfoo\tbar\n');
    const dns = await outputOf(kubectl, shellPod('cluster-dns', 'cat /etc/resolv.conf'));
    expect(dns).toContain(`search ${namespace}.svc.cluster.local svc.cluster.local cluster.local`);
    expect(dns).toContain('nameserver 172.30.203.10\noptions ndots:5\n');
  });

  it('init containers run in order, and sidecars run beside', async () => {
    const { kubectl } = await cluster.scene('life');
    const step = (name: string, script: string, more: object = {}) => ({
      name,
      image: 'localhost/busybox:test',
      command: ['sh', '-c', script],
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
      ...more,
    });
    const initContainers = [
      step('one', 'echo one >>/v/f'),
      step('side', `echo side >>/v/f; ${RUNS}`, { restartPolicy: 'Always' }),
      step('two', 'sleep 0.5; echo two >>/v/f'),
    ];
    const pod = shellPod('ordered', 'cat /v/f', {
      container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      spec: { initContainers, volumes: [{ name: 'v', emptyDir: {} }] },
    });
    expect(await outputOf(kubectl, pod)).toBe('one\nside\ntwo\n');
  });

  it('row 262: a pod that runs too long is stopped', async () => {
    const { kubectl } = await cluster.scene('life');
    await kubectl.apply(shellPod('slow', RUNS, { spec: { activeDeadlineSeconds: 2 } }));
    await kubectl.ok(['wait', '--for=jsonpath={.status.reason}=DeadlineExceeded', 'pod/slow', '--timeout=30s']);
  });

  it('a pod that is force deleted while it takes its time is gone at once', async () => {
    const { kubectl } = await cluster.scene('life');
    await kubectl.apply(
      shellPod('stubborn', 'trap "" TERM; while true; do sleep 0.2; done', {
        spec: { terminationGracePeriodSeconds: 600 },
      }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/stubborn', '--timeout=30s']);
    const before = cluster.containerd.tasks().length;
    await kubectl.ok(['delete', 'pod', 'stubborn', '--wait=false']);
    await kubectl.ok(['delete', 'pod', 'stubborn', '--grace-period=1', '--timeout=20s']);
    await eventually(async () => expect(cluster.containerd.tasks().length).toBeLessThan(before));
  });
});

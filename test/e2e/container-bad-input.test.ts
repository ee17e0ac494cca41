import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pods } from '../../lib/client/resources.js';
import { archive } from '../support/container-image.js';
import { eventually } from '../support/eventually.js';
import { shellPod, useRealCluster } from '../support/real-cluster.js';

const ESCAPE = archive([
  { path: 'data/../../escaped', content: Buffer.from('out') },
  { path: 'data/inside', content: Buffer.from('in') },
]);

const cluster = useRealCluster({
  range: 207,
  images: [
    { name: 'localhost/ghost:test', cmd: ['id'], user: 'ghost' },
    {
      name: 'localhost/liar:test',
      cmd: ['sleep', '1000'],
      env: ['PATH=/lies:/bin'],
      files: {
        'lies/tar': { content: '#!/bin/sh\ncat /lies/archive\n', mode: 0o755 },
        'lies/archive': { content: ESCAPE },
      },
    },
  ],
});

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';
const AT_ONCE = { spec: { terminationGracePeriodSeconds: 0 } };

/** Where the agent of this machine keeps a pod's logs: a cluster in memory has a temporary folder for it. */
function logFolder(namespace: string, name: string, uid: string): string {
  const folders = readdirSync(tmpdir()).filter((folder) => folder.startsWith('zeroplane-node-'));
  const all = folders.map((folder) => path.join(tmpdir(), folder, 'logs', `${namespace}_${name}_${uid}`));
  return all.find((folder) => existsSync(folder)) ?? '';
}

describe.concurrent('pods that ask for what cannot be', () => {
  it('users that the image does not know', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    const image = 'localhost/ghost:test';
    const container = { image, command: undefined };
    await kubectl.apply(shellPod('ghost', '', { container }));
    await kubectl.apply(
      shellPod('whoever', '', { container: { ...container, securityContext: { runAsNonRoot: true } } }),
    );
    const waiting = async (name: string) =>
      (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0]?.state?.waiting;
    await eventually(async () => {
      expect(await waiting('ghost')).toMatchObject({
        reason: 'CreateContainerError',
        message: expect.stringContaining('no users found'),
      });
      expect(await waiting('whoever')).toMatchObject({
        reason: 'CreateContainerConfigError',
        message: expect.stringContaining(
          'container has runAsNonRoot and image has non-numeric user (ghost), cannot verify user is non-root (pod: "whoever_',
        ),
      });
    });
  });

  it('keys that config maps and secrets do not have', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=A=b']);
    await kubectl.ok(['create', 'secret', 'generic', 'hidden', '--from-literal=A=b']);
    const from = (name: string, ref: object): object =>
      shellPod(name, 'true', { container: { env: [{ name: 'X', valueFrom: ref }] } });
    await kubectl.apply(
      from('no-key', { configMapKeyRef: { name: 'config', key: 'none' } }),
      from('no-secret-key', { secretKeyRef: { name: 'hidden', key: 'none' } }),
      shellPod('no-file', 'true', {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { volumes: [{ name: 'v', configMap: { name: 'config', items: [{ key: 'none', path: 'x' }] } }] },
      }),
    );
    const waiting = async (name: string) =>
      (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0]?.state?.waiting;
    await eventually(async () => {
      expect(await waiting('no-key')).toEqual({
        reason: 'CreateContainerConfigError',
        message: `couldn't find key none in ConfigMap ${namespace}/config`,
      });
      expect(await waiting('no-secret-key')).toEqual({
        reason: 'CreateContainerConfigError',
        message: `couldn't find key none in Secret ${namespace}/hidden`,
      });
      expect(await waiting('no-file')).toEqual({ reason: 'ContainerCreating' });
      expect(await kubectl.ok(['get', 'events', '--field-selector=reason=FailedMount'])).toContain(
        'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: none',
      );
    });
  });

  it('commands that do not exist, and environments that are too large', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    const large = [{ name: 'LARGE', value: 'x'.repeat(200_000) }];
    await kubectl.apply(shellPod('absent', '', { container: { command: ['/not/there'] } }));
    await kubectl.apply(
      shellPod('restarts', '', { container: { command: ['/not/there'] }, spec: { restartPolicy: 'Always' } }),
    );
    await client.create(pods, {
      ...(shellPod('large', 'true', { container: { env: large } }) as object),
      metadata: { name: 'large', namespace },
    });
    const status = async (name: string) => (await client.get(pods, { namespace, name })).status;
    await eventually(async () => {
      const absent = await status('absent');
      expect(absent?.phase).toBe('Failed');
      expect(absent?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        exitCode: 128,
        reason: 'StartError',
        message: expect.stringContaining('/not/there: no such file or directory'),
      });
      const restarts = (await status('restarts'))?.containerStatuses?.[0];
      expect(['RunContainerError', 'CrashLoopBackOff']).toContain(restarts?.state?.waiting?.reason);
      expect(restarts?.lastState?.terminated?.reason).toBe('StartError');
      // The runtime itself starts, and finds that the kernel takes no such environment.
      expect((await status('large'))?.phase).toBe('Failed');
      expect(await kubectl.ok(['logs', 'large'])).toContain('argument list too long');
    });
  });

  it('ports of the node that another pod has', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    const container = { ports: [{ containerPort: 8080, hostPort: 23_457 }] };
    await kubectl.apply(shellPod('first', RUNS, { container, ...AT_ONCE }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/first', '--timeout=40s']);
    const { nodeName } = (await client.get(pods, { namespace, name: 'first' })).spec ?? {};
    // Past the scheduler, which would leave it waiting.
    await kubectl.apply(shellPod('second', RUNS, { container, spec: { nodeName } }));
    await eventually(async () =>
      expect((await client.get(pods, { namespace, name: 'second' })).status).toMatchObject({
        phase: 'Failed',
        reason: 'NodePorts',
        message:
          "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
      }),
    );
  });

  it('kubectl cp takes nothing out of its folder from an archive that lies', async () => {
    const { kubectl } = await cluster.scene('bad');
    await kubectl.apply(
      shellPod('liar', '', { container: { image: 'localhost/liar:test', command: undefined }, ...AT_ONCE }),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/liar', '--timeout=40s']);
    const target = path.join(cluster.folder(), 'target');
    const { stderr } = await kubectl.run(['cp', 'liar:/data', target]);
    expect(stderr).toContain('outside target destination');
    expect(readFileSync(path.join(target, 'inside'), 'utf8')).toBe('in');
    expect(existsSync(path.join(path.dirname(target), 'escaped'))).toBe(false);
  });

  it('a fork bomb and a flood of output stay within their pods', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    const limits = { limits: { memory: '16Mi', cpu: '300m' } };
    await kubectl.apply(
      shellPod('neighbour', 'while true; do echo tick; sleep 1; done', AT_ONCE),
      shellPod('bomb', 'while true; do sleep 1000 & done', { container: { resources: limits }, ...AT_ONCE }),
      shellPod(
        'flood',
        'yes 0123456789012345678901234567890123456789 | head -c 20000000; echo; echo the end; sleep 1000',
        AT_ONCE,
      ),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/neighbour', 'pod/flood', '--timeout=40s']);
    await eventually(async () => {
      expect(await kubectl.ok(['logs', 'flood', '--tail=1'])).toBe('the end\n');
      const bomb = (await client.get(pods, { namespace, name: 'bomb' })).status?.containerStatuses?.[0];
      expect(bomb?.state?.terminated?.reason).toBe('OOMKilled');
    }, 60_000);
    const { uid = '' } = (await client.get(pods, { namespace, name: 'flood' })).metadata ?? {};
    // Logs are rotated every 10 s.
    await eventually(async () => {
      expect(readdirSync(path.join(logFolder(namespace, 'flood', uid), 'main')).length).toBeGreaterThan(1);
    }, 30_000);
    const neighbour = (await client.get(pods, { namespace, name: 'neighbour' })).status;
    expect(neighbour?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
    expect(await kubectl.ok(['exec', 'neighbour', '--', 'echo', 'alive'])).toBe('alive\n');
  });

  it('an empty directory that is filled above its limit ends its pod, and no other', async () => {
    const { kubectl, client, namespace } = await cluster.scene('bad');
    const filling = (name: string, sizeLimit: string): object =>
      shellPod(name, `dd if=/dev/zero of=/v/f bs=1M count=4; sleep 1000`, {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { terminationGracePeriodSeconds: 0, volumes: [{ name: 'v', emptyDir: { sizeLimit } }] },
      });
    await kubectl.apply(filling('full', '2Mi'), filling('fits', '8Mi'));
    await eventually(
      async () =>
        expect((await client.get(pods, { namespace, name: 'full' })).status).toMatchObject({
          phase: 'Failed',
          reason: 'Evicted',
          message: 'Usage of EmptyDir volume "v" exceeds the limit "2Mi". ',
        }),
      40_000,
    );
    expect((await client.get(pods, { namespace, name: 'fits' })).status?.phase).toBe('Running');
  });
});

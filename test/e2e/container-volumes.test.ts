import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { configMaps, pods } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({ range: 202 });

const MOUNT = '/etc/volume';

/** A pod that mounts one volume at MOUNT. */
const mounting = (
  name: string,
  script: string,
  volume: object,
  more: { spec?: object; mount?: object; metadata?: object } = {},
) =>
  shellPod(name, script, {
    container: { volumeMounts: [{ name: 'volume', mountPath: MOUNT, ...more.mount }] },
    spec: { volumes: [{ name: 'volume', ...volume }], ...more.spec },
    metadata: more.metadata,
  });

const configMap = (name: string, data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

describe.concurrent('volumes of real containers', () => {
  it('rows 323, 325, 327, 328, 329: keys are files, with modes and paths', async () => {
    const { kubectl } = await cluster.scene('volumes');
    await kubectl.apply({ ...configMap('config', { a: 'one', b: 'two' }), binaryData: { raw: '3q2+7w==' } });
    const list = `cd ${MOUNT}; for f in $(find -L . -type f ! -path '*..*' | sort); do stat -L -c '%n %a' $f; done`;
    expect(
      await outputOf(
        kubectl,
        mounting('plain', `${list}; cat a b; od -An -tx1 raw`, { configMap: { name: 'config' } }),
      ),
    ).toBe('./a 644\n./b 644\n./raw 644\nonetwo de ad be ef\n');
    const items = [
      { key: 'a', path: 'path/to/a' },
      { key: 'b', path: 'b', mode: 0o400 },
    ];
    expect(
      await outputOf(kubectl, mounting('mapped', list, { configMap: { name: 'config', items, defaultMode: 0o640 } })),
    ).toBe('./b 400\n./path/to/a 640\n');
  });

  it('rows 326, 330, 370: another user reads what its group may', async () => {
    const { kubectl } = await cluster.scene('volumes');
    await kubectl.apply(configMap('config', { a: 'one' }));
    const spec = { securityContext: { runAsUser: 1000, fsGroup: 1001 } };
    const volume = { configMap: { name: 'config', defaultMode: 0o400 } };
    expect(await outputOf(kubectl, mounting('reader', `id -u; id -G; cat ${MOUNT}/a`, volume, { spec }))).toBe(
      '1000\n1000 1001\none',
    );
  });

  it('rows 324, 333, 365: mounted files follow their objects', async () => {
    const { kubectl, client, namespace } = await cluster.scene('volumes');
    await kubectl.apply(configMap('changes', { key: 'before' }));
    const script = `while true; do echo "$(cat ${MOUNT}/key ${MOUNT}/late 2>/dev/null)"; sleep 1; done`;
    const sources = [{ configMap: { name: 'changes' } }, { configMap: { name: 'later', optional: true } }];
    await kubectl.apply(mounting('follower', script, { projected: { sources } }));
    const last = async (): Promise<string> => (await kubectl.ok(['logs', 'follower', '--tail=1'])).trim();
    await eventually(async () => expect(await last()).toBe('before'));
    await client.patch(configMaps, { namespace, name: 'changes' }, 'merge', { data: { key: 'after' } });
    await kubectl.apply(configMap('later', { late: '+late' }));
    await eventually(async () => expect(await last()).toBe('after+late'), 40_000, 500);
    await client.delete(configMaps, { namespace, name: 'later' });
    await eventually(async () => expect(await last()).toBe('after'), 40_000, 500);
  });

  it('rows 334–344, 364: downward files, secrets and config maps in one projected volume', async () => {
    const { kubectl } = await cluster.scene('volumes');
    await kubectl.apply(configMap('config', { a: 'config' }));
    await kubectl.ok(['create', 'secret', 'generic', 'hidden', '--from-literal=s=secret']);
    const items = [
      { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
      { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'requests.memory' }, mode: 0o400 },
    ];
    const sources = [{ downwardAPI: { items } }, { configMap: { name: 'config' } }, { secret: { name: 'hidden' } }];
    const script = `cd ${MOUNT}; for f in name labels cpu memory a s; do cat $f; echo; done; stat -L -c %a memory`;
    const pod = shellPod('all', script, {
      metadata: { labels: { color: 'blue' } },
      container: {
        volumeMounts: [{ name: 'v', mountPath: MOUNT }],
        resources: { limits: { cpu: '250m', memory: '64Mi' }, requests: { memory: '32Mi' } },
      },
      spec: { volumes: [{ name: 'v', projected: { sources } }] },
    });
    expect(await outputOf(kubectl, pod)).toBe('all\ncolor="blue"\n250\n33554432\nconfig\nsecret\n400\n');
  });

  it('rows 345, 346–359: empty directories on disk and in memory', async () => {
    const { kubectl } = await cluster.scene('volumes');
    const script = `stat -c %a ${MOUNT}; grep -c " ${MOUNT} tmpfs" /proc/mounts; echo hi >${MOUNT}/f; cat ${MOUNT}/f`;
    expect(await outputOf(kubectl, mounting('disk', script, { emptyDir: {} }))).toBe('777\n0\nhi\n');
    const user = { spec: { securityContext: { runAsUser: 1000 } } };
    expect(
      await outputOf(kubectl, mounting('memory', script, { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }, user)),
    ).toBe('777\n1\nhi\n');
  });

  it('rows 303, 306: subPathExpr mounts the folder that its variables name', async () => {
    const { kubectl } = await cluster.scene('volumes');
    const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
    const pod = shellPod('expanded', 'echo hi >/sub/f; ls /all/logs', {
      container: {
        env,
        volumeMounts: [
          { name: 'v', mountPath: '/all' },
          { name: 'v', mountPath: '/sub', subPathExpr: 'logs/$(POD)' },
        ],
      },
      spec: { volumes: [{ name: 'v', emptyDir: {} }] },
    });
    expect(await outputOf(kubectl, pod)).toBe('expanded\n');
  });

  it('rows 304, 305, 307: a bad subPathExpr keeps the container waiting until it is mended', async () => {
    const { kubectl, client, namespace } = await cluster.scene('volumes');
    const pod = shellPod('bad', 'sleep 1000', {
      metadata: { annotations: { where: '/tmp' } },
      container: {
        env: [{ name: 'WHERE', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['where']" } } }],
        volumeMounts: [{ name: 'v', mountPath: '/sub', subPathExpr: '$(WHERE)' }],
      },
      spec: { volumes: [{ name: 'v', emptyDir: {} }] },
    });
    await kubectl.apply(pod);
    const state = async () =>
      (await client.get(pods, { namespace, name: 'bad' })).status?.containerStatuses?.[0]?.state;
    await eventually(async () =>
      expect((await state())?.waiting).toEqual({
        reason: 'CreateContainerConfigError',
        message: 'error SubPath `/tmp` must not be an absolute path',
      }),
    );
    await client.patch(pods, { namespace, name: 'bad' }, 'merge', { metadata: { annotations: { where: 'inside' } } });
    await eventually(async () => expect((await state())?.running).toBeDefined());
  });

  it('a link in a volume leads no subPath out of it', async () => {
    const { kubectl, client, namespace } = await cluster.scene('volumes');
    const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-volume-'));
    try {
      symlinkSync('/etc', path.join(folder, 'out'));
      const volume = { hostPath: { path: folder, type: 'Directory' } };
      await kubectl.apply(mounting('escape', 'cat /etc/volume/passwd', volume, { mount: { subPath: 'out' } }));
      await eventually(async () => {
        const status = (await client.get(pods, { namespace, name: 'escape' })).status?.containerStatuses?.[0];
        expect(status?.state?.waiting?.reason).toBe('CreateContainerConfigError');
        expect(status?.state?.waiting?.message).toContain('not within volume path');
      });
      await kubectl.ok(['delete', 'pod', 'escape', '--timeout=30s']);
      expect(existsSync(folder)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('a pod whose volume is not there waits, says why, and leaves nothing when it is deleted', async () => {
    const { kubectl, client, namespace } = await cluster.scene('volumes');
    await kubectl.apply(mounting('waits', 'true', { hostPath: { path: '/nowhere/at/all', type: 'Directory' } }));
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'events'])).toContain(
        'MountVolume.SetUp failed for volume "volume" : hostPath type check failed: /nowhere/at/all is not a directory',
      ),
    );
    expect((await client.get(pods, { namespace, name: 'waits' })).status?.containerStatuses?.[0]?.state).toEqual({
      waiting: { reason: 'ContainerCreating' },
    });
    await kubectl.ok(['delete', 'pod', 'waits', '--timeout=30s']);
  });

  it('what a pod had mounted is unmounted when it goes', async () => {
    const { kubectl, client, namespace } = await cluster.scene('volumes');
    await kubectl.apply(mounting('mounted', 'sleep 1000', { emptyDir: { medium: 'Memory' } }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/mounted', '--timeout=40s']);
    const uid = (await client.get(pods, { namespace, name: 'mounted' })).metadata?.uid ?? '';
    const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
    expect(mounts()).toContain(uid);
    await kubectl.ok(['delete', 'pod', 'mounted', '--timeout=30s']);
    await eventually(async () => expect(mounts()).not.toContain(uid));
  });
});

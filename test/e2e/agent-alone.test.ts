import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipBecause } from '../support/skip-because.js';
import { events, nodes, pods } from '../../lib/client/resources.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { whyNoContainers } from '../support/containerd.js';
import { E2eCluster, skipWithoutKubectl, type Scene } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl } from '../support/kubectl.js';
import { Lan, Machine } from '../support/machine.js';
import { noNamespacesReason } from '../support/netns.js';
import { HOOK_TIMEOUT_MS, shellPod } from '../support/real-cluster.js';
import { service, web, WEB_IMAGE } from '../support/web.js';

const NODE = 'alone-1';

/** Of the agent's data folder, which one test fills. */
const DISK_MIB = 64;

/** Services are back within this after somebody has wiped their rules, on a machine that may be busy. */
const RULES_BACK_WITHIN_MS = 20_000;

const cluster = new E2eCluster();
const reason = whyNoContainers() ?? noNamespacesReason();
let kubectl: string | undefined;
let lan!: Lan;
let machine!: Machine;
let scene!: Scene;
let ip = '';

beforeAll(async () => {
  kubectl = await findKubectl();
  if (reason !== undefined || kubectl === undefined) return;
  lan = new Lan();
  [machine] = await Promise.all([
    Machine.start({ lan, name: NODE, images: [WEB_IMAGE] }),
    cluster.start(kubectl, { flags: ['--nodes', '0', '--bind', lan.address] }),
  ]);
  mkdirSync(data());
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', data()]);
  mkdirSync(manifests());
  machine.join(path.join(cluster.process.folder, 'data'), ['--pod-manifest-path', manifests()]);
  await machine.agent.ready();
  scene = await cluster.scene('alone');
  const { kubectl: run } = scene;
  // Pods that keep the cluster alive are not evicted, whatever is short.
  await run.apply(web('web', 2, { priorityClassName: 'system-node-critical' }), service('web'));
  await run.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  ip = await run.path(['get', 'service', 'web'], '{.spec.clusterIP}');
  await serves();
}, HOOK_TIMEOUT_MS);

skipBecause(() => reason);

skipWithoutKubectl(() => kubectl);

afterAll(async () => {
  await machine?.destroy();
  await cluster.destroy();
  lan?.destroy();
}, HOOK_TIMEOUT_MS);

const data = (): string => path.join(machine.folder, 'data');

/** Of static pods. */
const manifests = (): string => path.join(machine.folder, 'manifests');

const ask = (): Promise<string> => machine.get(ip, { path: '/cgi-bin/who', timeoutMs: 3_000 });

const serves = (timeoutMs?: number): Promise<void> =>
  eventually(async () => {
    for (let count = 0; count < 10; count++) expect(await ask()).toMatch(/^web-/);
  }, timeoutMs);

const nodeCondition = async (wanted: string): Promise<{ status: string; message?: string } | undefined> =>
  (await scene.client.get(nodes, { name: NODE })).status?.conditions?.find(({ type }) => type === wanted);

const pod = (name: string): Promise<V1Pod> => scene.client.get(pods, { namespace: scene.namespace, name });

/** How often the agent has said so. */
const warnings = (text: RegExp): number => machine.agent.stderr.split('\n').filter((line) => text.test(line)).length;

const CHANGED = /somebody else changed the nftables table/;
const OFF = /the bridge of the pods was deleted|pods were off their bridge/;

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

describe('an agent left alone', () => {
  it('goes on after its container runtime was killed, with what has happened meanwhile', async () => {
    const { kubectl: run } = scene;
    const always = { spec: { restartPolicy: 'Always' } };
    await run.apply(shellPod('dies', RUNS, always), shellPod('stays', RUNS, always), shellPod('goes', RUNS, always));
    await run.ok(['wait', '--for=condition=Ready', 'pod/dies', 'pod/stays', 'pod/goes', '--timeout=60s']);
    const [dies, stays] = (await Promise.all([pod('dies'), pod('stays')])).map(
      ({ status }) => status?.containerStatuses?.[0]?.containerID ?? '',
    ) as [string, string];
    const tasks = machine.containerd.tasks();
    const following = run.run(['logs', '-f', 'stays', '--tail=1'], { timeoutMs: 50_000 });
    const victim = machine.containerd.pidOf(dies) ?? 0;

    await machine.containerd.kill();
    process.kill(victim, 'SIGKILL');
    await run.ok(['delete', 'pod', 'goes', '--wait=false']);
    await run.apply(shellPod('comes', RUNS));
    // Nobody needs the runtime to be served.
    await serves();
    await sleep(2_000);
    await machine.containerd.run();

    await run.ok(['wait', '--for=condition=Ready', 'pod/comes', '--timeout=60s']);
    await run.ok(['wait', '--for=delete', 'pod/goes', '--timeout=60s']);
    await eventually(async () => {
      const [status] = (await pod('dies')).status?.containerStatuses ?? [];
      expect(status).toMatchObject({ restartCount: 1, ready: true });
      expect(status?.containerID).not.toBe(dies);
    });
    expect((await pod('stays')).status?.containerStatuses?.[0]).toMatchObject({ containerID: stays, restartCount: 0 });
    // One has gone, one has come.
    await eventually(async () => expect(machine.containerd.tasks()).toHaveLength(tasks.length));
    expect(await run.ok(['exec', 'stays', '--', 'echo', 'reached'])).toBe('reached\n');
    expect(await run.ok(['exec', '-i', 'dies', '--', 'cat'], { input: 'through' })).toBe('through');
    await eventually(async () => expect((await nodeCondition('Ready'))?.status).toBe('True'));
    await run.ok(['delete', 'pods', 'dies', 'stays', 'comes', '--timeout=60s']);
    // A log that was being followed goes on to its end.
    expect((await following).code).toBe(0);
  });

  it('runs the pods of its folder, whoever deletes what shows them, and ends them with their files', async () => {
    const { kubectl: run, namespace } = scene;
    const name = `own-${NODE}`;
    const file = path.join(manifests(), 'own.json');
    const write = (word: string): void => {
      const always = { restartPolicy: 'Always' };
      const own = shellPod('own', `echo ${word}; ${RUNS}`, { spec: always, metadata: { namespace } });
      writeFileSync(path.join(manifests(), '.own'), JSON.stringify(own));
      renameSync(path.join(manifests(), '.own'), file);
    };
    const runs = (text: string): Promise<V1Pod> =>
      eventually(async () => {
        expect(await run.ok(['logs', name])).toBe(text);
        const found = await pod(name);
        expect(found.status?.containerStatuses).toMatchObject([{ ready: true, restartCount: 0 }]);
        return found;
      });
    write('one');
    const first = await runs('one\n');
    expect(await run.ok(['exec', '-i', name, '--', 'cat'], { input: 'through' })).toBe('through');
    await run.ok(['delete', 'pod', name, '--wait=false']);
    await eventually(async () => expect((await pod(name)).metadata?.uid).not.toBe(first.metadata?.uid));
    const again = await runs('one\n');
    expect(again.status?.containerStatuses?.[0]?.containerID).toBe(first.status?.containerStatuses?.[0]?.containerID);
    write('two');
    const second = await runs('two\n');
    const cut = `unreachable ${lan.address}/32`;
    machine.namespace.ip(`route add ${cut}`);
    try {
      await machine.agent.end('SIGKILL');
      write('three');
      const tasks = machine.containerd.tasks();
      machine.startAgent(['--pod-manifest-path', manifests()]);
      // The one of before has ended, and another runs.
      await eventually(async () => {
        const present = machine.containerd.tasks();
        expect(present).toHaveLength(tasks.length);
        expect(present.toSorted()).not.toEqual(tasks.toSorted());
      });
      expect((await pod(name)).metadata?.uid).toBe(second.metadata?.uid);
    } finally {
      machine.namespace.ip(`route delete ${cut}`);
    }
    await runs('three\n');
    await machine.agent.ready();
    writeFileSync(path.join(manifests(), 'broken.yaml'), 'kind: Nothing');
    await eventually(async () => expect(warnings(/broken\.yaml.*expected apiVersion v1, kind Pod/)).toBe(1));
    rmSync(file);
    await run.ok(['wait', '--for=delete', `pod/${name}`, '--timeout=30s']);
  });

  it.each([
    ['all rules of the machine are flushed', ['flush', 'ruleset']],
    ['its table is emptied', ['flush', 'table']],
  ])('programs services anew when %s', async (_, [verb = '', what = '']) => {
    const before = warnings(CHANGED);
    const own = machine.namespace.run('nft', 'list', 'tables').match(/ip zeroplane-\S+/)?.[0] ?? '';
    machine.namespace.run('nft', verb, what, ...(what === 'table' ? own.split(' ') : []));
    await eventually(async () => expect(warnings(CHANGED)).toBe(before + 1), RULES_BACK_WITHIN_MS);
    await serves();
  });

  it('connects its pods again when somebody deletes their bridge, and gives new ones a network', async () => {
    const { kubectl: run, client, namespace } = scene;
    const bridge = machine.namespace.run('ip', '-o', 'link', 'show', 'type', 'bridge').split(': ')[1] ?? '';
    const before = (await client.list(pods, { namespace })).items.map(({ metadata }) => metadata?.uid).sort();
    machine.namespace.run('ip', 'link', 'delete', bridge);
    await eventually(async () => expect(warnings(OFF)).toBe(1), 40_000);
    await serves();
    const after = (await client.list(pods, { namespace })).items;
    expect(after.map(({ metadata }) => metadata?.uid).sort()).toEqual(before);
    await run.ok(['wait', '--for=condition=Ready', 'pods', '-l', 'app=web', '--timeout=30s']);
    const asks = shellPod('asks', `timeout 5 wget -qO- http://web/cgi-bin/who`);
    await run.apply(asks);
    await run.ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/asks', '--timeout=60s']);
    expect(await run.ok(['logs', 'asks'])).toMatch(/^web-/);
    await run.ok(['delete', 'pod', 'asks']);
  });

  it('says that its disk is full, keeps what runs, and goes on when there is space', async () => {
    const { kubectl: run, client, namespace } = scene;
    const filling = path.join(data(), 'filling');
    // Bound to the node and tolerating: nothing but the disk is in its way.
    const late = shellPod('late', RUNS, {
      spec: {
        nodeName: NODE,
        priorityClassName: 'system-node-critical',
        tolerations: [{ operator: 'Exists' }],
        volumes: [{ name: 'files', configMap: { name: 'kube-root-ca.crt' } }],
      },
      // An image in use: others may go before pods do.
      container: { image: WEB_IMAGE.name, volumeMounts: [{ name: 'files', mountPath: '/files' }] },
    });
    // What others free is taken at once.
    const fill = (): void => {
      try {
        for (;;) writeFileSync(filling, Buffer.alloc(1024 * 1024), { flag: 'a' });
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    };
    fill();
    const filler = setInterval(fill, 50);
    try {
      await run.apply(late);
      await eventually(async () => {
        const told = (await client.list(events, { namespace })).items.filter(
          ({ involvedObject }) => involvedObject.name === 'late',
        );
        expect(told.map(({ message }) => message).join('\n')).toMatch(/ENOSPC|no space left on device/);
      });
      await eventually(async () => {
        expect(await nodeCondition('DiskPressure')).toMatchObject({
          status: 'True',
          message: 'kubelet has disk pressure',
        });
      }, 30_000);
      await serves();
      expect((await pod('late')).status?.phase).toBe('Pending');
    } finally {
      clearInterval(filler);
      rmSync(filling);
    }
    await run.ok(['wait', '--for=condition=Ready', 'pod/late', '--timeout=60s']);
    expect(await run.ok(['exec', 'late', '--', 'head', '-1', '/files/ca.crt'])).toBe('-----BEGIN CERTIFICATE-----\n');
    await serves();
  });
});

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nodes, pods } from '../../lib/client/resources.js';
import { AgentProcess } from '../support/agent-process.js';
import { Containerd, unmountBelow, whyNoContainers } from '../support/containerd.js';
import { E2eCluster, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl } from '../support/kubectl.js';
import { HOOK_TIMEOUT_MS, rangeFlags, shellPod } from '../support/real-cluster.js';

const NODE = 'worker-1';
const KILLS = 5;
const RANGE = 205;

const cluster = new E2eCluster();
const reason = whyNoContainers();
let kubectl: string | undefined;
let containerd: Containerd;
let kubeconfig = '';

beforeAll(async () => {
  kubectl = await findKubectl();
  if (reason !== undefined || kubectl === undefined) return;
  await cluster.start(kubectl, { flags: ['--nodes', '0', ...rangeFlags(RANGE)] });
  containerd = await Containerd.start();
  const printed = spawnSync(
    process.execPath,
    ['dist/zeroplane.mjs', 'kubeconfig', '--node', NODE, '--data', path.join(cluster.process.folder, 'data')],
    { encoding: 'utf8' },
  );
  kubeconfig = path.join(cluster.folder(), 'node.kubeconfig');
  writeFileSync(kubeconfig, printed.stdout, { mode: 0o600 });
}, HOOK_TIMEOUT_MS);

beforeEach((context) => {
  if (reason === undefined) return;
  Object.assign(context.task.meta, { skipReason: reason });
  context.skip(reason);
});

skipWithoutKubectl(() => kubectl);

afterAll(async () => {
  if (!cluster.isStarted) return;
  await containerd.destroy();
  unmountBelow(cluster.process.folder);
  for (const table of tables()) spawnSync('nft', ['delete', 'table', ...table.split(' ')]);
  // An agent that stops leaves the groups of its pods' classes, which are empty.
  spawnSync('sh', ['-c', `find /sys/fs/cgroup -depth -type d -path '*/zeroplane-*-${NODE}*' -exec rmdir {} +`]);
  for (const bridge of bridges()) spawnSync('ip', ['link', 'delete', bridge]);
  await cluster.destroy();
}, HOOK_TIMEOUT_MS);

const tables = (): string[] =>
  spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' })
    .stdout.split('\n')
    .map((line) => line.replace('table ', ''))
    .filter((name) => name.includes(' zeroplane-') && before.tables.every((one) => one !== name));

const bridges = (): string[] =>
  spawnSync('ip', ['-o', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' })
    .stdout.split('\n')
    .map((line) => line.split(': ')[1] ?? '')
    .filter((name) => name.startsWith('zp') && before.bridges.every((one) => one !== name));

/** What clusters of other test files have on this machine. */
const before = { tables: [] as string[], bridges: [] as string[] };
if (reason === undefined) Object.assign(before, { tables: tables(), bridges: bridges() });

const agent = (): AgentProcess =>
  new AgentProcess({
    kubeconfig,
    nodeName: NODE,
    criSocket: containerd.socket,
    data: path.join(cluster.process.folder, 'node'),
    flags: rangeFlags(RANGE),
  });

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

describe('an agent that dies', () => {
  it('leaves its pods running, and another takes them over: each runs once, and nothing is left behind', async () => {
    const { client, kubectl: run, namespace } = await cluster.scene('restarts');
    let process = await agent().ready();
    await run.apply(shellPod('steady', RUNS, { spec: { restartPolicy: 'Always' } }));
    await run.ok(['wait', '--for=condition=Ready', 'pod/steady', '--timeout=60s']);
    const steady = async () => (await client.get(pods, { namespace, name: 'steady' })).status;
    const first = (await steady())?.containerStatuses?.[0]?.containerID;
    for (let round = 0; round < KILLS; round++) {
      await run.apply(shellPod(`churn-${round}`, RUNS), shellPod(`goes-${round}`, RUNS));
      if (round > 0) await run.ok(['delete', 'pod', `goes-${round - 1}`, '--wait=false']);
      await new Promise((resolve) => setTimeout(resolve, 150 * round));
      await process.end('SIGKILL');
      process = agent();
    }
    await process.ready();
    await run.ok(['delete', 'pod', `goes-${KILLS - 1}`, '--timeout=60s']);
    for (let round = 0; round < KILLS; round++) {
      await run.ok(['wait', '--for=condition=Ready', `pod/churn-${round}`, '--timeout=60s']);
    }
    expect((await steady())?.containerStatuses?.[0]).toMatchObject({
      containerID: first,
      restartCount: 0,
      ready: true,
    });
    // A container for each pod and one for its sandbox, and no more.
    await eventually(async () => {
      expect((await client.list(pods, { namespace })).items).toHaveLength(KILLS + 1);
      expect(containerd.tasks()).toHaveLength(2 * (KILLS + 1));
    }, 40_000);
    await run.ok(['delete', 'pods', '--all', '--timeout=60s']);
    await eventually(async () => expect(containerd.tasks()).toHaveLength(0));
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    expect(mounts.split('\n').filter((line) => line.includes(`${cluster.process.folder}/node/pods`))).toEqual([]);
    expect(await process.end('SIGTERM')).toBe(0);
  });

  it('registers again when its node has been removed, and pods run on while the API is away', async () => {
    const { client, kubectl: run, namespace } = await cluster.scene('restarts');
    const process = await agent().ready();
    await client.delete(nodes, { name: NODE });
    await eventually(async () => {
      const node = await client.get(nodes, { name: NODE });
      expect(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    });
    await run.apply(shellPod('again', `sleep 3; exit 1`, { spec: { restartPolicy: 'Always' } }));
    await run.ok(['wait', '--for=condition=Ready', 'pod/again', '--timeout=60s']);
    // Its API server stands still for longer than the container runs: the agent restarts it all the same.
    globalThis.process.kill(cluster.process.pid, 'SIGSTOP');
    const tasks = containerd.tasks();
    try {
      await eventually(async () => {
        const now = containerd.tasks();
        expect(now).toHaveLength(2);
        expect(now).not.toEqual(tasks);
      }, 30_000);
    } finally {
      globalThis.process.kill(cluster.process.pid, 'SIGCONT');
    }
    await eventually(async () =>
      expect(
        (await client.get(pods, { namespace, name: 'again' })).status?.containerStatuses?.[0]?.restartCount,
      ).toBeGreaterThan(0),
    );
    await run.ok(['delete', 'pod', 'again', '--timeout=60s']);
    expect(await process.end('SIGTERM')).toBe(0);
  });
});

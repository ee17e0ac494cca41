import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipBecause } from '../support/skip-because.js';
import { endpointSlices, nodes, pods } from '../../lib/client/resources.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { whyNoContainers } from '../support/containerd.js';
import { E2eCluster, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl } from '../support/kubectl.js';
import { Lan, Machine } from '../support/machine.js';
import { noNamespacesReason } from '../support/netns.js';
import { HOOK_TIMEOUT_MS, shellPod } from '../support/real-cluster.js';
import { service, web, WEB_IMAGE } from '../support/web.js';
import { LonelyCluster } from '../support/lonely-cluster.js';

/** 40 s in which heartbeats may be missing, and a moment to act on it. */
const NOTICED_WITHIN_MS = 45_000;
const READY_ELSEWHERE_WITHIN_MS = 60_000;

const AWAY_MS = 60_000;

const cluster = new E2eCluster();
/** A cluster of one machine, whose API goes away. */
const lonely = new LonelyCluster();
const reason = whyNoContainers() ?? noNamespacesReason();
const machines: Record<'one' | 'two', Machine> = {} as never;
let kubectl: string | undefined;
let lan: Lan;

beforeAll(async () => {
  kubectl = await findKubectl();
  if (reason !== undefined || kubectl === undefined) return;
  lan = new Lan();
  const images = [WEB_IMAGE];
  [machines.one, machines.two] = await Promise.all([
    Machine.start({ lan, name: 'worker-1', images }),
    Machine.start({ lan, name: 'worker-2', images }),
    cluster.start(kubectl, { flags: ['--nodes', '0', '--bind', lan.address] }),
    lonely.start(lan, kubectl),
  ]);
  for (const machine of [machines.one, machines.two]) machine.join(path.join(cluster.process.folder, 'data'));
  await Promise.all([machines.one.agent.ready(), machines.two.agent.ready()]);
}, HOOK_TIMEOUT_MS);

skipBecause(() => reason);

skipWithoutKubectl(() => kubectl);

afterAll(async () => {
  await Promise.all([machines.one?.destroy(), machines.two?.destroy(), lonely.destroy()]);
  await cluster.destroy();
  lan?.destroy();
}, HOOK_TIMEOUT_MS);

const isReady = (one: V1Pod): boolean =>
  one.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True' &&
  one.metadata?.deletionTimestamp === undefined;

describe('two machines', () => {
  it('pods talk across nodes and see each other by their own addresses, directly and through a service', async () => {
    const { kubectl: run, client, namespace } = await cluster.scene('two');
    const [one, two] = [machines.one.name, machines.two.name];
    await run.apply(web('one', 1, { nodeName: one }), web('two', 1, { nodeName: two }), service('one'), service('two'));
    for (const name of ['one', 'two']) await run.ok(['rollout', 'status', `deployment/${name}`, '--timeout=60s']);
    const { items } = await client.list(pods, { namespace });
    const at = (node: string): V1Pod => items.find(({ spec }) => spec?.nodeName === node) as V1Pod;
    const ask = (from: V1Pod, host: string): Promise<string> =>
      run.ok(['exec', from.metadata?.name ?? '', '--', 'sh', '-c', `timeout 5 wget -qO- http://${host}/cgi-bin/who`]);
    for (const [from, to, name] of [
      [at(one), at(two), 'two'],
      [at(two), at(one), 'one'],
    ] as const) {
      const seen = `${to.metadata?.name} ${from.status?.podIP}\n`;
      expect(await ask(from, `${to.status?.podIP}:8080`)).toBe(seen);
      await eventually(async () => expect(await ask(from, name)).toBe(seen));
      expect(await run.ok(['logs', from.metadata?.name ?? ''])).toBe('');
    }
    // What is in no pod, the node itself, gets through as well.
    const { podIP = '' } = at(two).status ?? {};
    expect(await machines.one.get(podIP, { port: 8080, path: '/cgi-bin/who' })).toContain(at(two).metadata?.name);
    const ranges = (await client.list(nodes)).items.map(({ spec }) => spec?.podCIDR);
    expect(new Set(ranges).size).toBe(2);
    // Pods reach the API, which is on neither node, by its name.
    const script = 'nc -w 5 kubernetes.default.svc 443 </dev/null && echo connected';
    for (const pod of [at(one), at(two)]) {
      expect(await run.ok(['exec', pod.metadata?.name ?? '', '--', 'sh', '-c', script])).toBe('connected\n');
    }
    await run.ok(['delete', 'deployments', '--all']);
  });
});

/** Each takes a minute of real time, so they take it together. */
describe.concurrent('a minute later', () => {
  it('the pods of a machine that dies are soon Ready on the other, and the service points at no dead one', async () => {
    const { kubectl: run, client, namespace } = await cluster.scene('two');
    const { one, two } = machines;
    await run.apply(web('web', 4), service('web'));
    await run.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    const all = async (): Promise<V1Pod[]> => (await client.list(pods, { namespace })).items;
    const doomed = (await all()).filter(({ spec }) => spec?.nodeName === two.name);
    expect(doomed.length).toBeGreaterThan(0);
    const dead = doomed.map(({ status }) => status?.podIP ?? '');
    const ip = await run.path(['get', 'service', 'web'], '{.spec.clusterIP}');
    const ready = async (): Promise<string[]> =>
      (await client.list(endpointSlices, { namespace })).items
        .flatMap((slice) => slice.endpoints ?? [])
        .flatMap(({ addresses, conditions }) => (conditions?.ready === true ? addresses : []));
    await eventually(async () => expect(await ready()).toHaveLength(4));

    await two.crash();
    const startMs = Date.now();
    const leftMs = (boundMs: number): number => Math.max(0, startMs + boundMs - Date.now());

    await eventually(
      async () => {
        expect((await ready()).filter((address) => dead.includes(address))).toEqual([]);
        expect(
          one.namespace
            .run('nft', 'list', 'ruleset')
            .split(/[^\d.]+/)
            .filter((word) => dead.includes(word)),
        ).toEqual([]);
      },
      leftMs(NOTICED_WITHIN_MS),
      500,
    );
    for (let count = 0; count < 30; count++) {
      const [name] = (await one.get(ip, { path: '/cgi-bin/who' })).split(' ');
      const served = (await all()).filter(({ spec }) => spec?.nodeName === one.name);
      expect(served.map(({ metadata }) => metadata?.name)).toContain(name);
    }
    await eventually(
      async () => {
        const present = (await all()).filter(isReady);
        expect(present.map(({ spec }) => spec?.nodeName)).toEqual(Array(4).fill(one.name));
        expect((await ready()).sort()).toEqual(present.map(({ status }) => status?.podIP ?? '').sort());
      },
      leftMs(READY_ELSEWHERE_WITHIN_MS),
      250,
    );

    // It comes back, and with it nothing of what it had.
    await two.boot(lan);
    await two.agent.ready();
    await run.ok(['wait', '--for=condition=Ready', `node/${two.name}`, '--timeout=30s']);
    await eventually(async () => {
      expect(await all()).toHaveLength(4);
      expect(two.containerd.tasks()).toHaveLength(0);
    });
  }, 150_000);

  it('an API server that is away for a minute changes nothing for running pods and services', async ({
    onTestFinished,
  }) => {
    const { kubectl: run, machine } = lonely;
    const asks = 'while true; do timeout 5 wget -qO- http://web/cgi-bin/who || echo failed; sleep 0.3; done';
    await run.apply(
      web('web', 2),
      service('web'),
      shellPod('asks', asks),
      shellPod('mortal', 'sleep 1000000', { spec: { restartPolicy: 'Always' } }),
    );
    await run.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await run.ok(['wait', '--for=condition=Ready', 'pod/asks', 'pod/mortal', '--timeout=60s']);
    const ip = await run.path(['get', 'service', 'web'], '{.spec.clusterIP}');
    const answers: string[] = [];
    const ask = async (): Promise<string> =>
      (await machine.get(ip, { path: '/cgi-bin/who', timeoutMs: 5_000 })).split(' ')[0] ?? '';
    await eventually(async () => expect(await ask()).toMatch(/^web-/));
    const facts = async (): Promise<object> => {
      const { items } = await run.json<{ items: V1Pod[] }>(['get', 'pods']);
      const found = items.filter(({ metadata }) => metadata?.name !== 'mortal');
      const node = await run.json<V1Node>(['get', 'node', machine.name]);
      // Whoever was taken for lost for a moment would have become Ready anew.
      return {
        pods: found.map(({ metadata, status }) => [
          metadata?.uid,
          metadata?.deletionTimestamp,
          status?.podIP,
          status?.containerStatuses?.map(({ containerID, restartCount }) => [containerID, restartCount]),
          status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime,
        ]),
        node: node.status?.conditions?.map(({ type, status, lastTransitionTime }) => [
          type,
          status,
          lastTransitionTime,
        ]),
        taints: node.spec?.taints,
      };
    };
    const logged = async (): Promise<string[]> => (await run.ok(['logs', 'asks'])).trim().split('\n');
    await eventually(async () => expect((await logged()).at(-1)).toMatch(/^web-/));
    const before = await facts();
    const failedBefore = (await logged()).filter((line) => line.includes('failed')).length;
    const id = await run.path(['get', 'pod', 'mortal'], '{.status.containerStatuses[0].containerID}');
    const tasks = machine.containerd.tasks();

    const startMs = Date.now();
    let isOver = false;
    onTestFinished(() => void (isOver = true));
    const asking = (async () => {
      while (!isOver) {
        answers.push(await ask());
        await sleep(100);
      }
    })();
    // For half a minute it takes requests and never answers, then nobody is there at all.
    lonely.process.pause();
    process.kill(machine.containerd.pidOf(id) ?? 0, 'SIGKILL');
    await eventually(async () => {
      expect(machine.containerd.pidOf(id)).toBeUndefined();
      expect(machine.containerd.tasks()).toHaveLength(tasks.length);
    }, 25_000);
    await sleep(Math.max(0, startMs + AWAY_MS / 2 - Date.now()));
    await lonely.process.stop('SIGKILL');
    await sleep(Math.max(0, startMs + AWAY_MS - Date.now()));
    await lonely.restart();

    await eventually(async () => {
      const [mortal] = (await run.json<V1Pod>(['get', 'pod', 'mortal'])).status?.containerStatuses ?? [];
      expect(mortal).toMatchObject({ restartCount: 1, ready: true });
      expect(mortal?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
    });
    expect(await facts()).toEqual(before);
    await run.ok(['scale', 'deployment/web', '--replicas=3']);
    await run.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    const names = await run.path(['get', 'pods', '-l', 'app=web'], '{.items[*].metadata.name}');
    await eventually(async () => {
      const seen = new Set<string>();
      for (let count = 0; count < 20; count++) seen.add(await ask());
      expect([...seen].sort()).toEqual(names.split(' ').sort());
    });
    isOver = true;
    await asking;
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.filter((answer) => !names.includes(answer))).toEqual([]);
    const lines = await logged();
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.filter((line) => line.includes('failed'))).toHaveLength(failedBefore);
    expect(await facts()).toMatchObject({ taints: undefined });
  }, 180_000);
});

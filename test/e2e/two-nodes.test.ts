import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endpointSlices, nodes, pods } from '../../lib/client/resources.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { whyNoContainers } from '../support/containerd.js';
import { E2eCluster, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl } from '../support/kubectl.js';
import { Lan, Machine } from '../support/machine.js';
import { noNamespacesReason } from '../support/netns.js';
import { HOOK_TIMEOUT_MS } from '../support/real-cluster.js';
import { WEB_IMAGE } from '../support/web-image.js';

/** 40 s in which heartbeats may be missing, and a moment to act on it. */
const NOTICED_WITHIN_MS = 45_000;
const READY_ELSEWHERE_WITHIN_MS = 60_000;

const cluster = new E2eCluster();
const reason = whyNoContainers() ?? noNamespacesReason();
const machines: Record<'one' | 'two', Machine> = {} as never;
let kubectl: string | undefined;
let lan: Lan;

beforeAll(async () => {
  kubectl = await findKubectl();
  if (reason !== undefined || kubectl === undefined) return;
  lan = new Lan(210);
  const images = [WEB_IMAGE];
  [machines.one, machines.two] = await Promise.all([
    Machine.start({ lan, name: 'worker-1', images }),
    Machine.start({ lan, name: 'worker-2', images }),
  ]);
  await cluster.start(kubectl, { flags: ['--nodes', '0', '--bind', lan.address] });
  for (const machine of [machines.one, machines.two]) machine.join(path.join(cluster.process.folder, 'data'));
  await Promise.all([machines.one.agent.ready(), machines.two.agent.ready()]);
}, HOOK_TIMEOUT_MS);

beforeEach((context) => {
  if (reason === undefined) return;
  Object.assign(context.task.meta, { skipReason: reason });
  context.skip(reason);
});

skipWithoutKubectl(() => kubectl);

afterAll(async () => {
  if (!cluster.isStarted) return;
  await Promise.all([machines.one.destroy(), machines.two.destroy()]);
  await cluster.destroy();
  lan.destroy();
}, HOOK_TIMEOUT_MS);

const web = (name: string, replicas: number, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'web',
            image: WEB_IMAGE.name,
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/cgi-bin/who', port: 'http' }, periodSeconds: 1 },
          },
        ],
        ...spec,
      },
    },
  },
});

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }] },
});

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
});

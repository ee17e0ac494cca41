import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { cronJob, daemonSet, deployment, pod, service } from './manifests.js';
import { skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { InProcessCluster } from '../support/in-process-cluster.js';
import { findKubectl } from '../support/kubectl.js';

const LOST = 'node-1';

/** 40 s in which heartbeats may be missing, and a moment to act on it. */
const NOTICED_WITHIN_MS = 45_000;
const READY_ELSEWHERE_WITHIN_MS = 60_000;

let kubectlFile: string | undefined;
let cluster: InProcessCluster;

beforeAll(async () => {
  kubectlFile = await findKubectl();
  if (kubectlFile !== undefined) cluster = await InProcessCluster.start({ kubectl: kubectlFile, nodes: 3 });
});
skipWithoutKubectl(() => kubectlFile);
afterAll(async () => {
  await cluster?.stop();
});

async function podsOf(app: string): Promise<V1Pod[]> {
  const { items } = await cluster.kubectl.json<{ items: V1Pod[] }>(['get', 'pods', '-l', `app=${app}`]);
  return items;
}

const isReady = (one: V1Pod): boolean =>
  one.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True' &&
  one.metadata?.deletionTimestamp === undefined;

/** Addresses that the Service sends traffic to. */
async function readyAddresses(): Promise<string[]> {
  const path = '{.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}';
  const found = await cluster.kubectl.path(['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web'], path);
  return found
    .split(' ')
    .filter((address) => address !== '')
    .sort();
}

const addressesOf = (pods: V1Pod[]): string[] => pods.map((one) => one.status?.podIP ?? '').sort();

/** Both take a minute of real time, so they take it together. */
describe.concurrent('within a minute or so', () => {
  it('a node that stops heartbeating loses its pods to others, except those that tolerate it', async () => {
    const { kubectl } = cluster;
    const unreachable = ['node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready'];
    const tolerations = unreachable.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    }));
    await kubectl.apply(
      deployment('web', { replicas: 6 }),
      service('web'),
      daemonSet('agent'),
      pod('patient', {
        podSpec: {
          containers: [{ name: 'main', image: 'nginx' }],
          nodeSelector: { 'kubernetes.io/hostname': LOST },
          tolerations,
        },
      }),
    );
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=25s']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/patient', '--timeout=25s']);
    const before = await podsOf('web');
    const doomed = before.filter((one) => one.spec?.nodeName === LOST);
    expect(doomed.length).toBeGreaterThan(0);
    await eventually(async () => expect(await readyAddresses()).toEqual(addressesOf(before)));

    const startMs = Date.now();
    const leftMs = (boundMs: number): number => Math.max(0, startMs + boundMs - Date.now());
    await cluster.silence(LOST);

    await eventually(
      async () => expect(await readyAddresses()).toEqual(addressesOf(before.filter((one) => !doomed.includes(one)))),
      leftMs(NOTICED_WITHIN_MS),
      500,
    );
    expect(await kubectl.ok(['get', 'node', LOST, '--no-headers'])).toMatch(/^node-1 +NotReady /);
    const patient = await kubectl.json<V1Pod>(['get', 'pod', 'patient']);
    expect(isReady(patient)).toBe(false);
    expect(patient.metadata?.deletionTimestamp).toBeUndefined();
    const node = await kubectl.json<object>(['get', 'node', LOST]);
    expect(node).toMatchObject({
      spec: {
        taints: expect.arrayContaining([
          expect.objectContaining({ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }),
        ]) as unknown,
      },
      status: {
        conditions: expect.arrayContaining([
          expect.objectContaining({
            type: 'Ready',
            status: 'Unknown',
            reason: 'NodeStatusUnknown',
            message: 'Kubelet stopped posting node status.',
          }),
        ]) as unknown,
      },
    });

    await eventually(
      async () => {
        const ready = (await podsOf('web')).filter(isReady);
        expect(ready).toHaveLength(6);
        expect(ready.every((one) => one.spec?.nodeName !== LOST)).toBe(true);
        expect(await readyAddresses()).toEqual(addressesOf(ready));
      },
      leftMs(READY_ELSEWHERE_WITHIN_MS),
      500,
    );
    const stays = await kubectl.json<V1Pod>(['get', 'pod', 'patient']);
    expect(stays.metadata?.deletionTimestamp).toBeUndefined();
    expect((await podsOf('agent')).filter((one) => one.metadata?.deletionTimestamp === undefined)).toHaveLength(3);
    await eventually(async () => {
      expect(await kubectl.ok(['events', '--for', `node/${LOST}`, '--no-headers'])).toContain(' NodeNotReady ');
      expect(await kubectl.ok(['events', '--for', `pod/${doomed[0]?.metadata?.name}`, '--no-headers'])).toContain(
        ' TaintManagerEviction ',
      );
    });

    await cluster.restart(LOST);
    await kubectl.ok(['wait', '--for=condition=Ready', `node/${LOST}`, '--timeout=25s']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/patient', '--timeout=25s']);
    await eventually(async () => {
      expect(await podsOf('web')).toHaveLength(6);
      expect(await kubectl.path(['get', 'node', LOST], '{.spec.taints}')).toBe('');
    });
    const uid = stays.metadata?.uid;
    expect((await kubectl.json<V1Pod>(['get', 'pod', 'patient'])).metadata?.uid).toBe(uid);
    const left = (await cluster.nodes.nodes.get(LOST)?.runtime.listSandboxes())
      ?.filter(({ state }) => state === 'ready')
      .map(({ name }) => name);
    expect(left?.filter((name) => name.startsWith('web'))).toEqual([]);
  }, 120_000);

  it('row 95: a cron job starts a job when its minute comes, a suspended one does not', async () => {
    const { kubectl } = cluster;
    await kubectl.apply(cronJob('tick', '* * * * *'), cronJob('asleep', '* * * * *', { spec: { suspend: true } }));
    await eventually(
      async () => expect(await kubectl.ok(['get', 'jobs', '-o', 'name'])).toMatch(/^job\.batch\/tick-\d+$/m),
      70_000,
      500,
    );
    const [job = ''] = (await kubectl.ok(['get', 'jobs', '-o', 'name'])).trim().split('\n');
    await kubectl.ok(['wait', '--for=condition=complete', job, '--timeout=20s']);
    expect(
      await kubectl.path(['get', job], '{.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].name}'),
    ).toBe('CronJob tick');
    const minutes = Number(job.split('-').at(-1));
    expect(Math.abs(minutes * 60_000 - Date.now())).toBeLessThan(90_000);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'cronjob', 'tick', '--no-headers'])).toMatch(
        /^tick +\* \* \* \* \* +<none> +False +0 +\d+s +/,
      ),
    );
    expect(await kubectl.ok(['get', 'cronjob', 'asleep', '--no-headers'])).toMatch(
      /^asleep +\* \* \* \* \* +<none> +True +0 +<none> +/,
    );
    expect(await kubectl.ok(['get', 'jobs', '-o', 'name'])).not.toContain('asleep');
  }, 120_000);
});

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipBecause } from '../support/skip-because.js';
import type { Client } from '../../lib/client/client.js';
import { nodes, pods, services } from '../../lib/client/resources.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import type { V1Pod, V1Service } from '../../lib/schema/generated/types.js';
import { whyNoContainers } from '../support/containerd.js';
import { E2eCluster, skipWithoutKubectl } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { findKubectl } from '../support/kubectl.js';
import { possessions } from '../support/leftovers.js';
import { Lan, Machine } from '../support/machine.js';
import { noNamespacesReason } from '../support/netns.js';
import { HOOK_TIMEOUT_MS, shellPod } from '../support/real-cluster.js';
import { service, web, WEB_IMAGE } from '../support/web.js';

const NODE = 'restarts-1';
const KILLS = 20;
/** Says at which moments the agent dies and what comes and goes. */
const SEED = 20;

const cluster = new E2eCluster();
const reason = whyNoContainers() ?? noNamespacesReason();
let kubectl: string | undefined;
let lan!: Lan;
let machine!: Machine;

beforeAll(async () => {
  kubectl = await findKubectl();
  if (reason !== undefined || kubectl === undefined) return;
  lan = new Lan();
  [machine] = await Promise.all([
    Machine.start({ lan, name: NODE, images: [WEB_IMAGE] }),
    cluster.start(kubectl, { flags: ['--nodes', '0', '--bind', lan.address] }),
  ]);
  machine.join(path.join(cluster.process.folder, 'data'));
  await machine.agent.ready();
}, HOOK_TIMEOUT_MS);

skipBecause(() => reason);

skipWithoutKubectl(() => kubectl);

afterAll(async () => {
  await machine?.destroy();
  await cluster.destroy();
  lan?.destroy();
}, HOOK_TIMEOUT_MS);

const RUNS = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

/** A pod with something of each kind that an agent makes: a folder in memory, files of objects, a token, a place below a volume. */
const churning = (name: string): V1Pod =>
  shellPod(name, RUNS, {
    metadata: { labels: { app: 'churn' } },
    spec: {
      restartPolicy: 'Always',
      volumes: [
        { name: 'memory', emptyDir: { medium: 'Memory' } },
        { name: 'disk', emptyDir: {} },
        { name: 'files', configMap: { name: 'kube-root-ca.crt' } },
      ],
    },
    container: {
      volumeMounts: [
        { name: 'memory', mountPath: '/memory' },
        { name: 'disk', mountPath: '/disk', subPath: 'a/b' },
        { name: 'files', mountPath: '/files' },
      ],
    },
  }) as V1Pod;

/** Pods and services come and go until it is told to stop. Resolves with those that stay. */
async function churn(client: Client, namespace: string, signal: AbortSignal): Promise<string[]> {
  const random = seededRandom(SEED);
  const present: string[] = [];
  for (let count = 0; !signal.aborted; count++) {
    if (present.length < 3 || (present.length < 6 && randomInt(random, 2) === 0)) {
      const name = `churn-${count}`;
      const pod = churning(name);
      await client.create(pods, { ...pod, metadata: { ...pod.metadata, namespace } });
      const made = service(name) as V1Service;
      const spec = { ...made.spec, selector: { app: 'churn' }, ports: [{ port: 80 }] };
      await client.create(services, { ...made, metadata: { name, namespace }, spec });
      present.push(name);
    } else {
      const [name = ''] = present.splice(randomInt(random, present.length), 1);
      const gracePeriodSeconds = randomInt(random, 3) === 0 ? 0 : 1;
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds });
      await client.delete(services, { namespace, name });
    }
    await sleep(200 + randomInt(random, 600));
  }
  return present;
}

describe('an agent that dies', () => {
  it(`${KILLS} times leaves its pods running, each once, and nothing of those that are gone`, async () => {
    const { client, kubectl: run, namespace } = await cluster.scene('restarts');
    await run.apply(web('web', 2), service('web'), shellPod('steady', RUNS, { spec: { restartPolicy: 'Always' } }));
    await run.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await run.ok(['wait', '--for=condition=Ready', 'pod/steady', '--timeout=60s']);
    const ip = await run.path(['get', 'service', 'web'], '{.spec.clusterIP}');
    await eventually(async () => expect(await machine.get(ip, { path: '/cgi-bin/who' })).toMatch(/^web-/));
    const running = async (): Promise<object> =>
      Object.fromEntries(
        (await client.list(pods, { namespace })).items.map(({ metadata, status }) => [
          metadata?.name,
          (status?.containerStatuses ?? []).map(({ containerID, restartCount }) => [containerID, restartCount]),
        ]),
      );
    const before = { running: await running(), possessions: possessions(machine) };

    const end = new AbortController();
    const churned = churn(client, namespace, end.signal);
    const answers: string[] = [];
    const asking = (async () => {
      while (!end.signal.aborted) {
        answers.push(await machine.get(ip, { path: '/cgi-bin/who', timeoutMs: 5_000 }));
        await sleep(100);
      }
    })();
    const random = seededRandom(SEED + 1);
    try {
      for (let round = 0; round < KILLS; round++) {
        // Every other one dies while it starts.
        if (round % 2 === 0) await machine.agent.ready();
        await sleep(100 + randomInt(random, 1_500));
        await machine.agent.end('SIGKILL');
        machine.startAgent();
      }
      await machine.agent.ready();
    } finally {
      end.abort();
    }
    const present = await churned;
    await asking;
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter((answer) => !answer.startsWith('web-'))).toEqual([]);
    expect(present.length).toBeGreaterThan(0);
    for (const name of present) await run.ok(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
    // A container for each pod and one for its sandbox, and no more.
    await eventually(async () => {
      expect((await client.list(pods, { namespace })).items).toHaveLength(3 + present.length);
      expect(machine.containerd.tasks()).toHaveLength(2 * (3 + present.length));
    }, 40_000);
    await run.ok(['delete', 'pods', '-l', 'app=churn', '--timeout=60s']);
    await run.ok(['delete', 'services', ...present]);
    await eventually(async () => expect(possessions(machine)).toEqual(before.possessions), 40_000, 500);
    expect(await running()).toEqual(before.running);
    await run.ok(['delete', 'deployments,pods', '--all', '--timeout=60s']);
  }, 240_000);

  it('registers again when its node has been removed', async () => {
    const { client, kubectl: run } = await cluster.scene('restarts');
    await client.delete(nodes, { name: NODE });
    await eventually(async () => {
      const node = await client.get(nodes, { name: NODE });
      expect(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    });
    await run.apply(shellPod('again', RUNS));
    await run.ok(['wait', '--for=condition=Ready', 'pod/again', '--timeout=60s']);
    await run.ok(['delete', 'pod', 'again', '--timeout=60s']);
    expect(await machine.agent.end('SIGTERM')).toBe(0);
  });
});

import { expect, test } from 'vitest';
import type { V1ConfigMap, V1Deployment, V1Lease } from '../../lib/schema/generated/types.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';
import type { Kubectl } from '../support/kubectl.js';
import { DIRECTORY, WebsiteOperator, type Website } from '../support/website-operator.js';

const cluster = useCluster({ nodes: 2 });

const NAMES = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'];
const GOING = ['bee', 'eel'];
const CONVERGED_MS = 60_000;

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['host'],
      properties: {
        host: { type: 'string', maxLength: 253 },
        replicas: { type: 'integer', minimum: 0, maximum: 10, default: 1 },
      },
    },
    status: {
      type: 'object',
      properties: { observedGeneration: { type: 'integer' }, readyReplicas: { type: 'integer' } },
    },
  },
};

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'websites.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'websites', singular: 'website', kind: 'Website', shortNames: ['site'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
        additionalPrinterColumns: [{ name: 'Ready', type: 'integer', jsonPath: '.status.readyReplicas' }],
      },
    ],
  },
};

function website(name: string, replicas: number): object {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Website',
    metadata: { name },
    spec: { host: `${name}.example.com`, replicas },
  };
}

test('a small operator converges through restarts and conflicts', { timeout: 180_000 }, async () => {
  const { namespace, kubectl } = await cluster.scene('operator');
  await cluster.kubectl.apply(definition);
  await cluster.kubectl.ok(['wait', '--for=condition=Established', 'crd/websites.example.com', '--timeout=30s']);
  await kubectl.ok(['create', 'configmap', DIRECTORY, '--from-literal=somebody=else']);
  await kubectl.apply(...NAMES.map((name, index) => website(name, 1 + (index % 3))));

  const operators: WebsiteOperator[] = [];
  const startOperator = async (): Promise<WebsiteOperator> => {
    const { kubeconfig } = cluster.process;
    const operator = new WebsiteOperator({ kubeconfig, namespace, identity: `operator-${operators.length}` });
    operators.push(operator);
    await operator.start();
    return operator;
  };
  try {
    await Promise.all([startOperator(), startOperator()]);
    const meddler = meddle(kubectl);
    for (let round = 0; round < 3; round++) {
      await kubectl.apply(...NAMES.map((name, index) => website(name, 1 + ((index + round) % 3))));
      await holds(kubectl, 5_000);
      await leaderOf(operators, kubectl).then((leader) => leader?.kill());
      await startOperator();
    }
    await kubectl.ok(['delete', 'websites', ...GOING, '--wait=false']);
    await meddler.stop();
    await eventually(async () => expectConverged(kubectl), CONVERGED_MS);
  } finally {
    await Promise.all(operators.map((operator) => operator.kill()));
  }

  // Nobody works beside the leader, and each death cost a change of leaders.
  const lease = await kubectl.json<V1Lease>(['get', 'lease', 'website-operator']);
  expect(lease.spec?.leaseTransitions ?? 0).toBeGreaterThanOrEqual(2);
  expect(operators.filter(({ reconciles }) => reconciles > 0).length).toBeGreaterThanOrEqual(3);
});

/** Somebody who changes what the operator works on: labels, scales, and the shared directory. */
function meddle(kubectl: Kubectl): { stop(): Promise<void> } {
  let isOver = false;
  const run = async (): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      const name = NAMES[turn % NAMES.length] as string;
      await kubectl.run(['label', '--overwrite', 'website', name, `turn=t${turn}`]);
      await kubectl.run(['scale', 'deployment', name, '--replicas=9']);
      const patch = JSON.stringify({ data: { turns: `t${turn}` } });
      await kubectl.run(['patch', 'configmap', DIRECTORY, '--type=merge', '-p', patch]);
    }
  };
  const done = run();
  return {
    stop() {
      isOver = true;
      return done;
    },
  };
}

async function holds(kubectl: Kubectl, ms: number): Promise<void> {
  await kubectl.run(['get', 'websites']);
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function leaderOf(operators: WebsiteOperator[], kubectl: Kubectl): Promise<WebsiteOperator | undefined> {
  const holder = await kubectl.path(['get', 'lease', 'website-operator'], '{.spec.holderIdentity}');
  return operators.find(({ identity }) => identity === holder);
}

async function expectConverged(kubectl: Kubectl): Promise<void> {
  const staying = NAMES.filter((name) => !GOING.includes(name));
  const { items: sites } = await kubectl.json<{ items: Website[] }>(['get', 'websites']);
  expect(sites.map(({ metadata }) => metadata?.name)).toEqual(staying);
  const { items: deployments } = await kubectl.json<{ items: V1Deployment[] }>(['get', 'deployments']);
  expect(deployments.map(({ metadata }) => metadata?.name)).toEqual(staying);
  for (const [index, site] of sites.entries()) {
    const replicas = site.spec?.replicas;
    expect(deployments[index]?.spec?.replicas).toBe(replicas);
    expect(deployments[index]?.status?.readyReplicas).toBe(replicas);
    expect(site.status).toEqual({ observedGeneration: site.metadata?.generation, readyReplicas: replicas });
    expect(site.metadata?.labels?.['turn'], 'what others wrote stays').toMatch(/^t\d+$/);
  }
  const { data = {} } = await kubectl.json<V1ConfigMap>(['get', 'configmap', DIRECTORY]);
  const { turns, ...hosts } = data;
  expect(turns).toMatch(/^t\d+$/);
  expect(hosts).toEqual({
    somebody: 'else',
    ...Object.fromEntries(staying.map((name) => [name, `${name}.example.com`])),
  });
}

import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Kubectl } from './kubectl.js';
import { Containerd, whyNoContainers, type ContainerdOptions } from './containerd.js';
import { E2eCluster, skipWithoutKubectl } from './e2e.js';
import { findKubectl } from './kubectl.js';

/** A runtime and a cluster start and end in seconds, but not on a machine that many share. */
export const HOOK_TIMEOUT_MS = 180_000;

export interface RealClusterOptions extends ContainerdOptions {
  /** Sets its addresses apart from those of clusters of other test files, on the same machine: 200 to 255. */
  range: number;
}

/** One cluster with real containers for all tests of the calling file. Where they are not to be had, its tests are skipped with the reason. */
export function useRealCluster({ range, ...options }: RealClusterOptions): E2eCluster & { containerd: Containerd } {
  const cluster = new E2eCluster();
  const parts: { containerd?: Containerd; kubectl?: string } = {};
  const reason = whyNoContainers();
  beforeAll(async () => {
    parts.kubectl = await findKubectl();
    if (reason !== undefined || parts.kubectl === undefined) return;
    parts.containerd = await Containerd.start(options);
    const flags = ['--runtime', 'cri', '--cri-socket', parts.containerd.socket, ...rangeFlags(range)];
    await cluster.start(parts.kubectl, { memory: true, flags });
  }, HOOK_TIMEOUT_MS);
  beforeEach((context) => {
    if (reason === undefined) return;
    Object.assign(context.task.meta, { skipReason: reason });
    context.skip(reason);
  });
  skipWithoutKubectl(() => parts.kubectl);
  afterAll(async () => {
    await cluster.destroy();
    await parts.containerd?.destroy();
  }, HOOK_TIMEOUT_MS);
  return Object.defineProperty(cluster, 'containerd', {
    get() {
      if (parts.containerd === undefined) throw new Error('containerd is used before it has started');
      return parts.containerd;
    },
  }) as E2eCluster & { containerd: Containerd };
}

/** Flags of `zeroplane up` for ranges of a cluster's own. */
export function rangeFlags(range: number): string[] {
  return [
    '--pod-cidr',
    `10.${range}.0.0/16`,
    '--service-cidr',
    `172.30.${range}.0/24`,
    '--cluster-dns',
    `172.30.${range}.10`,
  ];
}

/** A pod of busybox that runs a shell script. */
export function shellPod(
  name: string,
  script: string,
  { container = {}, spec = {}, metadata = {} }: { container?: object; spec?: object; metadata?: object } = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      ...spec,
      containers: [
        {
          name: 'main',
          image: 'localhost/busybox:test',
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', script],
          ...container,
        },
      ],
    },
  };
}

/** What a pod that ends by itself has printed. Fails when it does not succeed. */
export async function outputOf(kubectl: Kubectl, pod: object): Promise<string> {
  const { name } = (pod as { metadata: { name: string } }).metadata;
  await kubectl.apply(pod);
  const wait = await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=40s']);
  if (wait.code !== 0) {
    const told = await kubectl.run(['describe', 'pod', name]);
    const log = await kubectl.run(['logs', name]);
    throw new Error(`pod ${name} did not succeed: ${log.stdout}${log.stderr}\n${told.stdout}`);
  }
  return kubectl.ok(['logs', name]);
}

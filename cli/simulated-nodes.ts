import { formatLog } from '../agent/server/format-log.js';
import { simulatedNode, type SimulatedNode } from '../agent/simulated-node.js';
import type { LogOptions, NodeConnection } from '../functions/apiserver/registry/node-connection.js';
import { nodeUsername } from '../functions/apiserver/auth/users.js';
import type { UserInfo } from '../lib/api/meta.js';
import { Client } from '../lib/client/client.js';
import type { Follow } from '../lib/client/replica.js';
import type { Transport } from '../lib/client/transport.js';
import { formatTime, type Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import type { V1Pod } from '../lib/schema/generated/types.js';
import type { LogLine } from '../agent/runtime/runtime.js';
import { noLog } from './no-log.js';

export interface SimulatedNodesOptions {
  count: number;
  clock: Clock;
  random: Random;
  heartbeatMs: number;
  /** How a node learns what changed for it. Default: by watches. */
  follow?: (node: string) => Follow;
  transport(user: UserInfo, node: string): Transport;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** Nodes that register at one time: more would only wait for each other. */
const STARTS_AT_A_TIME = 32;

export function nodeName(index: number): string {
  return `node-${index + 1}`;
}

/** The simulated nodes of this process. */
export class SimulatedNodes implements NodeConnection {
  readonly whyNoStreams = 'the simulated runtime has no processes and no network to connect to';
  readonly nodes = new Map<string, SimulatedNode>();
  #nextIndex = 0;
  #isStopped = false;
  readonly #options: SimulatedNodesOptions;

  constructor(options: SimulatedNodesOptions) {
    this.#options = options;
  }

  /** Resolves once all nodes are Ready. `onReady` is told after each. */
  async start(onReady: (ready: number) => void = () => undefined): Promise<void> {
    let ready = 0;
    const startNext = async (): Promise<void> => {
      while (this.#nextIndex < this.#options.count && !this.#isStopped) {
        await this.add().kubelet.start();
        onReady(++ready);
      }
    };
    await Promise.all(Array.from({ length: Math.min(STARTS_AT_A_TIME, this.#options.count) }, startNext));
  }

  /** One more node; `kubelet.start()` brings it up. */
  add(): SimulatedNode {
    const { clock, random, heartbeatMs, transport, follow, log } = this.#options;
    const index = this.#nextIndex++;
    const name = nodeName(index);
    const user = { username: nodeUsername(name), groups: ['system:nodes', 'system:authenticated'] };
    const client = new Client(transport(user, name), 'kubelet');
    const node = simulatedNode({
      client,
      clock,
      random,
      name,
      index,
      heartbeatMs,
      log,
      ...(follow === undefined ? {} : { follow: follow(name) }),
    });
    this.nodes.set(name, node);
    return node;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.nodes.values()].map((node) => node.kubelet.stop()));
    for (const node of this.nodes.values()) node.runtime.powerOff();
  }

  /** Containers that are records only use nothing. */
  statsSummary(name: string): object | undefined {
    const kubelet = this.nodes.get(name)?.kubelet;
    if (kubelet === undefined) return undefined;
    const time = formatTime(this.#options.clock.now());
    const nothing = { cpu: { time, usageNanoCores: 0 }, memory: { time, workingSetBytes: 0 } };
    const pods = kubelet.pods.map(({ metadata, status }) => ({
      podRef: { name: metadata?.name, namespace: metadata?.namespace, uid: metadata?.uid },
      containers: [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
        .filter(({ state }) => state?.running !== undefined)
        .map((one) => ({ name: one.name, ...nothing })),
    }));
    return { node: { nodeName: name, ...nothing }, pods };
  }

  /** The API server's way to a container's log. */
  async logs(object: object, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const pod = object as V1Pod;
    const kubelet = this.nodes.get(pod.spec?.nodeName ?? '')?.kubelet;
    const { container, previous } = options;
    const read = (follow: boolean): Promise<AsyncIterable<LogLine> | undefined> | undefined =>
      kubelet?.logs(pod.metadata?.uid ?? '', container, { follow, previous }, signal);
    const present = await read(false);
    if (present === undefined) throw noLog(pod, options);
    const further = options.follow ? await read(true) : undefined;
    return formatLog(present, further, options, this.#options.clock.now());
  }
}

import type { Duplex } from 'node:stream';
import {
  NoStreamsError,
  type LogOptions,
  type NodeConnection,
  type PodAddress,
} from '../functions/apiserver/registry/node-connection.js';
import type { V1Pod } from '../lib/schema/generated/types.js';
import type { DirectNodeConnection } from './direct-node-connection.js';
import type { SimulatedNodes } from './simulated-nodes.js';

/** The ways to the nodes of a local cluster: simulated ones are in this process, all others are dialled. */
export class NodeConnections implements NodeConnection {
  readonly #direct: DirectNodeConnection;
  readonly #simulated: SimulatedNodes | undefined;

  constructor(direct: DirectNodeConnection, simulated: SimulatedNodes | undefined) {
    this.#direct = direct;
    this.#simulated = simulated;
  }

  logs(pod: object, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const node = (pod as V1Pod).spec?.nodeName ?? '';
    const simulated = this.#simulated?.nodes.has(node) ? this.#simulated : undefined;
    return (simulated ?? this.#direct).logs(pod, options, signal);
  }

  async dialKubelet(node: string, signal: AbortSignal): Promise<Duplex> {
    this.#refuseSimulated(node);
    return this.#direct.dialKubelet(node, signal);
  }

  statsSummary(node: string): object | undefined {
    return this.#simulated?.statsSummary(node);
  }

  async dialPod(pod: PodAddress, signal: AbortSignal): Promise<Duplex> {
    this.#refuseSimulated(pod.node);
    return this.#direct.dialPod(pod, signal);
  }

  #refuseSimulated(node: string): void {
    if (!this.#simulated?.nodes.has(node)) return;
    throw new NoStreamsError(this.#simulated.whyNoStreams);
  }
}

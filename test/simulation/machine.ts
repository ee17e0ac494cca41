import { simulatedNode } from '../../agent/simulated-node.js';
import type { Kubelet } from '../../agent/kubelet/kubelet.js';
import { SimulatedRuntime } from '../../agent/runtime/simulated/simulated-runtime.js';
import { Client } from '../../lib/client/client.js';
import type { Transport } from '../../lib/client/transport.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import { Link } from './faults/link.js';

/** Rarer than on a laptop, as in the cloud: most of what nodes would say says nothing. */
export const HEARTBEAT_MS = 30_000;

export interface MachineOptions {
  name: string;
  index: number;
  clock: Clock;
  random: Random;
  /** The way to the API server with the node's identity. */
  transport: Transport;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** One worker: its runtime lives as long as the machine has power, its agent may be replaced while the pods run on. */
export class Machine {
  readonly name: string;
  readonly #options: MachineOptions;
  runtime: SimulatedRuntime;
  #link: Link;
  #kubelet: Kubelet | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.runtime = new SimulatedRuntime(options);
    this.#link = new Link(options.transport);
  }

  get isUp(): boolean {
    return this.#kubelet !== undefined;
  }

  /** Starts the agent. Resolves when its node is Ready, or when it was stopped before. */
  async start(): Promise<void> {
    if (this.#kubelet !== undefined) return;
    const { clock, random, name, index, log } = this.#options;
    this.#link = new Link(this.#options.transport);
    const client = new Client(this.#link, 'kubelet');
    const node = simulatedNode({
      client,
      clock,
      random,
      name,
      index,
      heartbeatMs: HEARTBEAT_MS,
      runtime: this.runtime,
      log,
    });
    this.#kubelet = node.kubelet;
    try {
      await node.kubelet.start();
    } catch (error) {
      // Stopped while it started.
      if (this.#kubelet === node.kubelet) throw error;
    }
  }

  /** The agent dies; the pods run on. */
  killAgent(): void {
    const kubelet = this.#kubelet;
    if (kubelet === undefined) return;
    this.#kubelet = undefined;
    this.#link.cut();
    this.#ending = Promise.all([this.#ending, kubelet.stop()]);
  }

  /** Power is lost: nothing is left of what ran. */
  powerOff(): void {
    this.killAgent();
    this.runtime.powerOff();
    this.runtime = new SimulatedRuntime(this.#options);
  }

  unplugNetwork(): void {
    this.#link.cut();
  }

  plugNetwork(): void {
    this.#link.restore();
  }

  /** Ends the agent as an administrator would. */
  async stop(): Promise<void> {
    const kubelet = this.#kubelet;
    this.#kubelet = undefined;
    await kubelet?.stop();
    await this.#ending;
    this.runtime.powerOff();
  }
}

import type { Client } from '../lib/client/client.js';
import type { Follow } from '../lib/client/replica.js';
import type { Clock } from '../lib/clock/clock.js';
import { randomUuid, type Random } from '../lib/random.js';
import { Kubelet } from './kubelet/kubelet.js';
import type { StaticPodOptions } from './kubelet/static-pods.js';
import { simulatedProber } from './runtime/simulated/simulated-prober.js';
import { SimulatedRuntime } from './runtime/simulated/simulated-runtime.js';

export interface SimulatedNodeOptions {
  /** With the node's own identity. */
  client: Client;
  clock: Clock;
  /** Goes on evenly when `clock` is set. Default: `clock`. */
  steady?: Clock;
  random: Random;
  name: string;
  /** Sets the node's address apart from the others': from 0. */
  index: number;
  heartbeatMs: number;
  /** How the node learns what changed for it. Default: by watches. */
  follow?: Follow;
  /** What an earlier agent of this machine left running: a new agent takes it over. Default: a machine that just started. */
  runtime?: SimulatedRuntime;
  /** Pods that this machine's own files say. */
  staticPods?: StaticPodOptions;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** What a simulated node has to offer. */
const CAPACITY = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '100Gi' };

/** 198.18.0.0/15 is set aside for tests of networks (RFC 2544): no such address is anybody's. */
const FIRST_ADDRESS = [198, 18, 0, 1] as const;
/** So many nodes have an address of their own. */
export const SIMULATED_ADDRESSES = 2 ** 17 - 2;

export interface SimulatedNode {
  readonly name: string;
  readonly kubelet: Kubelet;
  readonly runtime: SimulatedRuntime;
}

/** A node whose containers are records only; everything else of it is the real agent. `kubelet.start()` brings it up. */
export function simulatedNode(options: SimulatedNodeOptions): SimulatedNode {
  const { client, clock, random, name, index, heartbeatMs } = options;
  const runtime = options.runtime ?? new SimulatedRuntime({ clock, random });
  const kubelet = new Kubelet({
    client,
    clock,
    ...(options.steady === undefined ? {} : { steady: options.steady }),
    runtime,
    prober: simulatedProber,
    heartbeatMs,
    ...(options.follow === undefined ? {} : { follow: options.follow }),
    description: {
      name,
      ip: addressOf(index),
      capacity: CAPACITY,
      architecture: 'amd64',
      operatingSystem: 'linux',
      osImage: 'Zeroplane simulated node',
      kernelVersion: 'simulated',
      kubeletVersion: 'v1.36.0',
      containerRuntimeVersion: runtime.version,
      machineId: randomUuid(random),
    },
    ...(options.staticPods === undefined ? {} : { staticPods: options.staticPods }),
    onPodCidr: (cidr) => runtime.setPodCidr(cidr),
    log: (level, message, data) => options.log(level, message, data),
  });
  return { name, kubelet, runtime };
}

function addressOf(index: number): string {
  const offset = index + FIRST_ADDRESS[3];
  return `${FIRST_ADDRESS[0]}.${FIRST_ADDRESS[1] + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}

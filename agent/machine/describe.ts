import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { randomUuid, type Random } from '../../lib/random.js';
import type { NodeDescription } from '../kubelet/node-object.js';
import { MEMORY_RESERVED_BYTES, storageReserve } from './thresholds.js';

/** Node's names of architectures are not Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Pods per node, as the kubelet's default. */
const PODS_MAX = 110;

export const KUBELET_VERSION = 'v1.36.0';

export interface MachineOptions {
  name: string;
  ip: string;
  /** Where pods' things live: its file system is the node's ephemeral storage. */
  folder: string;
  runtimeVersion: string;
  /** Undefined where the node has no server. */
  kubeletPort: number | undefined;
  /** What the user says instead of, or beyond, what was found. */
  capacity: Readonly<Record<string, string>>;
  random: Random;
}

/** What there is to say of this machine. */
export async function describeMachine(options: MachineOptions): Promise<NodeDescription> {
  const { name, ip, folder, capacity: given } = options;
  const storage = await statfs(folder);
  const storageBytes = storage.blocks * storage.bsize;
  const memoryBytes = totalmem();
  const found = {
    cpu: String(cpus().length),
    memory: `${Math.floor(memoryBytes / 1024)}Ki`,
    pods: String(PODS_MAX),
    'ephemeral-storage': `${Math.floor(storageBytes / 1024)}Ki`,
  };
  const allocatable = {
    ...found,
    memory: `${Math.floor((memoryBytes - MEMORY_RESERVED_BYTES) / 1024)}Ki`,
    'ephemeral-storage': String(storageBytes - storageReserve(storageBytes)),
  };
  const machineId = (await read('/etc/machine-id')) || randomUuid(options.random).replaceAll('-', '');
  return {
    name,
    ip,
    capacity: { ...found, ...given },
    allocatable: { ...allocatable, ...given },
    architecture: ARCHITECTURES[arch()] ?? arch(),
    operatingSystem: 'linux',
    osImage: await osImage(),
    kernelVersion: release(),
    kubeletVersion: KUBELET_VERSION,
    containerRuntimeVersion: options.runtimeVersion,
    ...(options.kubeletPort === undefined ? {} : { kubeletPort: options.kubeletPort }),
    machineId,
    systemUuid: (await read('/sys/class/dmi/id/product_uuid')) || machineId,
    bootId: (await read('/proc/sys/kernel/random/boot_id')) || machineId,
  };
}

/** The machine's own name, as its pods in the host's network see it. */
export function machineHostname(): string {
  return hostname();
}

async function osImage(): Promise<string> {
  const text = await read('/etc/os-release');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux';
}

async function read(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}

import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quantityMilliValue, quantityValue } from '../../lib/api/quantity-number.js';
import { podRequests } from '../../lib/scheduling/pod-requests.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { qosClass, quotaOf, sharesOf, type QosClass } from './container-resources.js';

/** Processes of a pod: a fork bomb ends here, before it takes the machine's. */
const PIDS_MAX = 16_384;

/** Hierarchies of version 1 that a pod gets a group in; `unified` is version 2's beside them, which runtimes use for bookkeeping. */
const CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'devices', 'freezer', 'systemd', 'unified'];

const MOUNT = '/sys/fs/cgroup';

/** As the kubelet names them; guaranteed pods stand directly below the root. */
const FOLDERS: Readonly<Record<QosClass, string>> = {
  Guaranteed: '',
  Burstable: 'burstable',
  BestEffort: 'besteffort',
};

/** `pod` and the uid. */
const POD_GROUP = /^pod[0-9a-f-]{36}$/;

export interface PodCgroupsOptions {
  /** A name of our own, so that several agents do not meet: `zeroplane-1a2b3c4d`. */
  root: string;
  /** Which of its two ways the runtime makes groups in. */
  driver: 'cgroupfs' | 'systemd';
}

/**
 * The cgroups that pods live in: one for each, below one for its QoS class. With the cgroupfs driver they are made here, with the pod's
 * limits; with systemd the runtime makes slices of the names we give.
 */
export class PodCgroups {
  readonly #options: PodCgroupsOptions;
  #version: 1 | 2 | undefined;

  constructor(options: PodCgroupsOptions) {
    this.#options = options;
  }

  /** What CRI is told. */
  parent(pod: V1Pod): string {
    const { root, driver } = this.#options;
    const folder = FOLDERS[qosClass(pod)];
    const uid = pod.metadata?.uid ?? '';
    if (driver === 'cgroupfs') return path.join('/', root, folder, `pod${uid}`);
    const slice = [root, folder, `pod${uid.replaceAll('-', '_')}`].filter((part) => part !== '').join('-');
    return `${slice}.slice`;
  }

  /** Makes the pod's group with its limits. */
  async ensure(pod: V1Pod): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    const parent = this.parent(pod);
    if ((await this.#hierarchy()) === 2) {
      await this.#enable(parent);
      await mkdir(path.join(MOUNT, parent), { recursive: true });
    } else {
      for (const controller of await this.#controllers()) {
        const folder = path.join(MOUNT, controller, parent);
        await mkdir(folder, { recursive: true });
        if (controller === 'cpuset') await inheritCpus(parent);
      }
    }
    for (const [file, value] of await this.#limits(pod)) await writeFile(path.join(MOUNT, file), value);
  }

  /** Removes a pod's groups, whatever its class was. What still has processes stays. */
  async remove(podUid: string): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    for (const base of await this.#bases()) {
      for (const folder of Object.values(FOLDERS)) {
        await removeTree(path.join(MOUNT, base, this.#options.root, folder, `pod${podUid}`));
      }
    }
  }

  /** Uids of the pods that have a group here. */
  async known(): Promise<string[]> {
    if (this.#options.driver === 'systemd') return [];
    const uids = new Set<string>();
    for (const base of await this.#bases()) {
      for (const folder of Object.values(FOLDERS)) {
        const names = await readdir(path.join(MOUNT, base, this.#options.root, folder)).catch(() => []);
        for (const name of names) if (POD_GROUP.test(name)) uids.add(name.slice('pod'.length));
      }
    }
    return [...uids];
  }

  /** Removes the groups of the classes and the root, when no pod is left. */
  async removeAll(): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    for (const base of await this.#bases()) await removeTree(path.join(MOUNT, base, this.#options.root));
  }

  async #bases(): Promise<string[]> {
    return (await this.#hierarchy()) === 2 ? [''] : this.#controllers();
  }

  async #hierarchy(): Promise<1 | 2> {
    this.#version ??=
      (await readFile(path.join(MOUNT, 'cgroup.controllers'), 'utf8').catch(() => undefined)) === undefined ? 1 : 2;
    return this.#version;
  }

  async #controllers(): Promise<string[]> {
    const present = await readdir(MOUNT);
    return CONTROLLERS.filter((one) => present.includes(one));
  }

  /** In version 2 each level hands its controllers down; one that the kernel lacks is passed over. */
  async #enable(parent: string): Promise<void> {
    const parts = parent.split('/').filter(Boolean);
    for (let depth = 0; depth < parts.length; depth++) {
      const folder = path.join(MOUNT, ...parts.slice(0, depth));
      await mkdir(folder, { recursive: true });
      for (const controller of ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb']) {
        await writeFile(path.join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
      }
    }
  }

  async #limits(pod: V1Pod): Promise<[string, string][]> {
    const parent = this.parent(pod);
    const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const limit = (name: string, read: (quantity: string) => number): number | undefined => {
      const each = containers.map(({ resources }) => resources?.limits?.[name]);
      const main = pod.spec?.containers ?? [];
      if (each.some((one) => one === undefined)) return undefined;
      const sum = main.reduce((total, { resources }) => total + read(resources?.limits?.[name] ?? '0'), 0);
      return Math.max(sum, ...each.map((one) => read(one ?? '0')));
    };
    const memory = limit('memory', quantityValue);
    const milliCpu = limit('cpu', quantityMilliValue);
    const shares = sharesOf(podRequests(pod).get('cpu') ?? 0);
    if ((await this.#hierarchy()) === 2) {
      return [
        [path.join(parent, 'cpu.weight'), String(1 + Math.floor(((shares - 2) * 9999) / 262_142))],
        [path.join(parent, 'pids.max'), String(PIDS_MAX)],
        ...(milliCpu ? [[path.join(parent, 'cpu.max'), `${quotaOf(milliCpu)} 100000`] as [string, string]] : []),
        ...(memory ? [[path.join(parent, 'memory.max'), String(memory)] as [string, string]] : []),
      ];
    }
    const controllers = await this.#controllers();
    const all: [string, string, string | undefined][] = [
      ['cpu', 'cpu.shares', String(shares)],
      ['cpu', 'cpu.cfs_quota_us', milliCpu ? String(quotaOf(milliCpu)) : undefined],
      ['memory', 'memory.limit_in_bytes', memory ? String(memory) : undefined],
      ['pids', 'pids.max', String(PIDS_MAX)],
    ];
    return all.flatMap(([controller, file, value]) =>
      value === undefined || !controllers.includes(controller)
        ? []
        : [[path.join(controller, parent, file), value] as [string, string]],
    );
  }
}

/** A group of the cpuset controller of version 1 takes no process before it has processors and memory. */
async function inheritCpus(parent: string): Promise<void> {
  const parts = parent.split('/').filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = path.join(MOUNT, 'cpuset', ...parts.slice(0, depth));
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const present = await readFile(path.join(folder, file), 'utf8').catch(() => '');
      if (present.trim() !== '') continue;
      const above = await readFile(path.join(path.dirname(folder), file), 'utf8').catch(() => '');
      if (above.trim() !== '') await writeFile(path.join(folder, file), above.trim());
    }
  }
}

/** Groups are removed from the innermost; one in use stays. */
async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LEASES, type Machine } from './machine.js';

/** All that an agent has on its machine, each in an order of its own: what is there after pods have gone is what was there before they came. */
export function possessions(machine: Machine): Record<string, string[]> {
  const { containerd, folder, namespace, name } = machine;
  const cgroups = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*/zeroplane-*-${name}*`], {
    encoding: 'utf8',
  });
  return {
    containers: containerd.containers(),
    processes: containerd.tasks().map(String).sort(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((target) => target.startsWith(`${folder}/`) || target.startsWith(`${containerd.folder}/`))
      .sort(),
    leases: machine
      .cniNetworks()
      .flatMap((network) => readdirSync(path.join(LEASES, network)).filter(isAddress))
      .sort(),
    devices: namespace
      .run('ip', '-o', 'link', 'show')
      .split('\n')
      .map((line) => line.split(': ')[1] ?? '')
      .sort(),
    routes: namespace.run('ip', 'route', 'show').split('\n').sort(),
    // Sorted by line and within it: the order of elements means nothing.
    rules: namespace
      .run('nft', 'list', 'ruleset')
      .split(/[,\n]/)
      // The port of the agent's own DNS server is another after each of its starts.
      .map((part) =>
        part
          .trim()
          .replace(`dnat to ${machine.address}:`, 'dnat to DNS:')
          .replace(/(DNS:)\d+/, '$1'),
      )
      .sort(),
    files: ['data/pods', 'data/memory', 'data/logs'].flatMap((below) => readdirSync(path.join(folder, below))).sort(),
    cgroups: cgroups.stdout.split('\n').sort(),
  };
}

/** Beside the addresses there are notes of the plugin's own. */
function isAddress(file: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(file);
}

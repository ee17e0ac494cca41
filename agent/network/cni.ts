import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NetworkError } from './errors.js';

export interface CniOptions {
  /** The folder that the container runtime reads, from its status. */
  confDir: string;
  /** Names the network, and with it the folder of address leases: one for each node, since nodes may share a disk. */
  networkName: string;
  /** The bridge's device name, at most 15 characters. */
  bridge: string;
  /** The node's own pod ranges, one a family. */
  podCidrs: readonly string[];
  /** Of the device that leads out of the node; what pods send has to fit it. Undefined: the plugin's default. */
  mtu?: number;
}

/** What the runtimes of our time all read; a newer one says nothing more that we need. */
const CNI_VERSION = '0.4.0';

/** Sorts before what others may add later, so that the runtime, which takes the first file, keeps this network. */
const FILE_NAME = '10-zeroplane.conflist';

/** The runtime's own rule for what is a configuration. */
const CONFIGURATION = /\.(conf|conflist|json)$/;

/**
 * Pods on a bridge, which is their gateway; addresses from the node's range; host ports. No masquerading here: the plugin's masquerades all
 * that leaves the node's range, and pods on other nodes would see the node's address instead of the pod's. The proxy masquerades what leaves
 * the cluster's range.
 */
export function conflist({ networkName, bridge, podCidrs, mtu }: CniOptions): string {
  const routes = podCidrs.map((cidr) => ({ dst: cidr.includes(':') ? '::/0' : '0.0.0.0/0' }));
  const plugins = [
    {
      type: 'bridge',
      bridge,
      isGateway: true,
      isDefaultGateway: false,
      forceAddress: true,
      ipMasq: false,
      // A pod that is sent to itself by a service comes back on the port it came from.
      hairpinMode: true,
      ...(mtu !== undefined && { mtu }),
      ipam: { type: 'host-local', ranges: podCidrs.map((subnet) => [{ subnet }]), routes },
    },
    { type: 'portmap', capabilities: { portMappings: true }, snat: true },
  ];
  return `${JSON.stringify({ cniVersion: CNI_VERSION, name: networkName, plugins }, undefined, 2)}\n`;
}

/**
 * Writes our configuration unless somebody else's is there.
 * @returns whether the network is ours.
 * @throws NetworkError when the folder cannot be read or written.
 */
export async function ensureCniConfiguration(options: CniOptions): Promise<boolean> {
  const { confDir, podCidrs, bridge } = options;
  if (podCidrs.length === 0) throw new NetworkError('invalid', 'a CNI configuration needs a pod range');
  if (!/^[a-zA-Z0-9_.-]{1,15}$/.test(bridge)) {
    throw new NetworkError('invalid', `${bridge} is no name for a bridge: at most 15 letters, digits, dots and dashes`);
  }
  const file = path.join(confDir, FILE_NAME);
  const wanted = conflist(options);
  try {
    await mkdir(confDir, { recursive: true });
    const present = (await readdir(confDir)).filter((name) => CONFIGURATION.test(name));
    if (present.length > 0 && !present.includes(FILE_NAME)) return false;
    if (present.length > 0 && (await readFile(file, 'utf8')) === wanted) return true;
    // Renamed into place: the runtime watches the folder and would read half a file.
    const temporary = path.join(confDir, `.${FILE_NAME}.new`);
    await writeFile(temporary, wanted, { mode: 0o644 });
    await rename(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isDenied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
    const advice = isDenied ? ': run the agent as root, or write a CNI configuration there yourself' : '';
    throw new NetworkError(
      isDenied ? 'not-permitted' : 'failed',
      `the CNI configuration ${file} cannot be written${advice}: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Takes our configuration away; others stay. */
export async function removeCniConfiguration(confDir: string): Promise<void> {
  await rm(path.join(confDir, FILE_NAME), { force: true });
}

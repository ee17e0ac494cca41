import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../lib/clock/clock.js';
import { BridgeKeeper } from './bridge-keeper.js';
import { formatCidr, parseCidrs } from './cidr.js';
import { ensureCniConfiguration, removeCniConfiguration } from './cni.js';
import type { Host } from './host.js';
import type { Log } from './log.js';

export interface PodNetworkOptions {
  host: Host;
  clock: Clock;
  log: Log;
  cniConfDir?: string;
  networkName: string;
  bridge?: string;
  nodeIps: readonly string[];
}

const BRIDGE = 'zeroplane0';
const RETRY_MS = 5_000;

/** Where the plugin host-local keeps the addresses that it has given out, a folder for each network. */
const LEASES = '/var/lib/cni/networks';

/** The network of the node's pods: a CNI configuration of ours as soon as the node has its ranges, unless there is one of somebody else. */
export class PodNetwork {
  /** Resolves once the runtime has a configuration: whether it is ours. Without a folder for it, with false. */
  readonly isOurs: Promise<boolean>;
  readonly #options: PodNetworkOptions;
  #resolve: (isOurs: boolean) => void = () => undefined;
  #ranges = '';
  #cancelRetry: () => void = () => undefined;
  #writing: Promise<void> = Promise.resolve();
  #wasOurs = false;
  readonly #keeper: BridgeKeeper;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    const { host, clock, log, bridge = BRIDGE } = options;
    this.#keeper = new BridgeKeeper({ host, clock, log, bridge });
    this.isOurs = new Promise((resolve) => (this.#resolve = resolve));
    if (options.cniConfDir === undefined) this.#resolve(false);
  }

  /** @param podCidrs of the Node; none while nobody has given it any. */
  setRanges(podCidrs: readonly string[]): void {
    const ranges = parseCidrs(podCidrs).map(formatCidr);
    if (this.#options.cniConfDir === undefined || ranges.length === 0 || ranges.join() === this.#ranges) return;
    this.#ranges = ranges.join();
    this.#write(ranges);
  }

  /** Ends looking after it; pods stay connected. */
  async close(): Promise<void> {
    this.#cancelRetry();
    await this.#writing;
    await this.#keeper.close();
  }

  /** Takes the configuration, the bridge and the list of addresses given out away. */
  async remove(): Promise<void> {
    await this.close();
    const { cniConfDir, host, bridge, networkName } = this.#options;
    if (cniConfDir === undefined || !this.#wasOurs) return;
    await removeCniConfiguration(cniConfDir);
    await host.run('ip', ['link', 'delete', bridge ?? BRIDGE]);
    await rm(path.join(LEASES, networkName), { recursive: true, force: true });
  }

  #write(podCidrs: readonly string[]): void {
    this.#cancelRetry();
    this.#writing = this.#writing.then(() => this.#tryToWrite(podCidrs));
  }

  async #tryToWrite(podCidrs: readonly string[]): Promise<void> {
    const { cniConfDir = '', networkName, bridge = BRIDGE, log, clock } = this.#options;
    try {
      const mtu = await this.#mtu();
      this.#wasOurs = await ensureCniConfiguration({ confDir: cniConfDir, networkName, bridge, podCidrs, mtu });
      log('info', this.#wasOurs ? 'pods get addresses of the node' : 'pods are in a network of somebody else', {
        podCidrs,
      });
      if (this.#wasOurs) this.#keeper.start();
      this.#resolve(this.#wasOurs);
    } catch (error) {
      log('warn', 'pods have no network', { error: String(error) });
      this.#cancelRetry = clock.setTimer(RETRY_MS, () => this.#write(podCidrs));
    }
  }

  /** Of the device with the node's first address: the way out may be narrower than a bridge's 1500 bytes. */
  async #mtu(): Promise<number | undefined> {
    const { host, nodeIps } = this.#options;
    const address = await host.run('ip', ['-o', 'address', 'show', 'to', nodeIps[0] ?? '']);
    const device = /^\d+: (\S+)/.exec(address.stdout)?.[1];
    if (device === undefined || device === 'lo') return undefined;
    const link = await host.run('ip', ['-o', 'link', 'show', 'dev', device]);
    const mtu = Number(/ mtu (\d+)/.exec(link.stdout)?.[1]);
    return mtu > 0 ? mtu : undefined;
  }
}

import { sleep, type Clock } from '../../lib/clock/clock.js';
import { NetworkError } from './errors.js';
import type { Host } from './host.js';
import type { Log } from './log.js';

export interface BridgeKeeperOptions {
  host: Host;
  bridge: string;
  clock: Clock;
  log: Log;
}

const CHECK_MS = 10_000;

/** What has to be known of a bridge to make it again as pods know it. */
interface BridgeFacts {
  /** Pods remember their gateway's hardware address. */
  hardwareAddress: string;
  mtu: string;
  /** With their prefix lengths. */
  addresses: string[];
}

/**
 * Looks after the bridge of the pod network. The CNI plugin makes it again for the next pod when somebody has deleted it, but pods that were
 * on it stay cut off: their cables are plugged in again here.
 */
export class BridgeKeeper {
  readonly #options: BridgeKeeperOptions;
  readonly #stop = new AbortController();
  #facts: BridgeFacts | undefined;
  #ports = new Set<string>();
  #loop: Promise<void> | undefined;

  constructor(options: BridgeKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  /** One look. Nothing is done before there has been a bridge. */
  async check(): Promise<void> {
    const { bridge, log } = this.#options;
    let attached = await this.#attached();
    const cut = await this.#cutOff(attached ?? new Set());
    if (attached === undefined) {
      if (this.#facts === undefined || cut.length === 0) return;
      log('warn', 'the bridge of the pods was deleted: it is made again', { bridge, pods: cut.length });
      await this.#make(this.#facts);
      attached = new Set();
    } else if (cut.length > 0) {
      log('warn', 'pods were off their bridge: they are connected again', { bridge, pods: cut.length });
    }
    for (const port of cut) await this.#plugIn(port);
    this.#ports = new Set([...attached, ...cut]);
    this.#facts = (await this.#read()) ?? this.#facts;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        await this.check();
      } catch (error) {
        log('warn', 'the bridge of the pods could not be looked after', { error: String(error) });
      }
      await sleep(clock, CHECK_MS, this.#stop.signal);
    }
  }

  /** Ports of the bridge, undefined when there is no such device. */
  async #attached(): Promise<Set<string> | undefined> {
    const { code, stdout } = await this.#show('link', 'show', 'master', this.#options.bridge);
    if (code !== 0) return undefined;
    return new Set([...stdout.matchAll(/^\d+: ([^@:\s]+)/gm)].map(([, name = '']) => name));
  }

  /** Ports that were on the bridge, are still there, and on no bridge at all: those of pods that have gone are not there. */
  async #cutOff(attached: ReadonlySet<string>): Promise<string[]> {
    const cut: string[] = [];
    for (const port of this.#ports) {
      if (attached.has(port)) continue;
      const { code, stdout } = await this.#show('link', 'show', 'dev', port);
      if (code === 0 && !stdout.includes(' master ')) cut.push(port);
    }
    return cut;
  }

  async #read(): Promise<BridgeFacts | undefined> {
    const { bridge } = this.#options;
    const link = (await this.#show('link', 'show', 'dev', bridge)).stdout;
    const hardwareAddress = / link\/ether (\S+)/.exec(link)?.[1];
    const mtu = / mtu (\d+)/.exec(link)?.[1];
    if (hardwareAddress === undefined || mtu === undefined) return undefined;
    const { stdout } = await this.#show('address', 'show', 'dev', bridge, 'scope', 'global');
    const addresses = [...stdout.matchAll(/ inet6? (\S+\/\d+)/g)].map(([, address = '']) => address);
    return { hardwareAddress, mtu, addresses };
  }

  async #make({ hardwareAddress, mtu, addresses }: BridgeFacts): Promise<void> {
    const { bridge } = this.#options;
    await this.#ip('link', 'add', bridge, 'address', hardwareAddress, 'mtu', mtu, 'type', 'bridge');
    for (const address of addresses) {
      const flags = address.includes(':') ? ['nodad'] : ['broadcast', '+'];
      await this.#ip('address', 'add', address, 'dev', bridge, ...flags);
    }
    await this.#ip('link', 'set', bridge, 'up');
  }

  async #plugIn(port: string): Promise<void> {
    await this.#ip('link', 'set', port, 'master', this.#options.bridge);
    await this.#ip('link', 'set', port, 'type', 'bridge_slave', 'hairpin', 'on');
    await this.#ip('link', 'set', port, 'up');
  }

  #show(...args: string[]): ReturnType<Host['run']> {
    return this.#options.host.run('ip', ['-o', ...args]);
  }

  async #ip(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#options.host.run('ip', args);
    if (code !== 0) throw new NetworkError('failed', `ip ${args.join(' ')}: ${stderr.trim()}`);
  }
}

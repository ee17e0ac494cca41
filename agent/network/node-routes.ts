import { parseIp } from '../../lib/net/ip.js';
import { keyOf } from '../../lib/client/client.js';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import { canonicalIp, cidrContains, formatCidr, parseCidr, type Cidr } from './cidr.js';
import { NetworkError } from './errors.js';
import type { Host } from './host.js';
import type { Log } from './log.js';

export interface NodeRoutesOptions {
  host: Host;
  nodeName: string;
  nodeIps: readonly string[];
  /** Pods' ranges of the whole cluster: routes to elsewhere are none of ours. */
  clusterCidrs: readonly Cidr[];
  clock: Clock;
  log: Log;
}

/** Marks routes as ours, so that they are found again after a restart (`ip route show proto 90`). No program of Debian's uses it. */
const ROUTE_PROTOCOL = '90';

/** Routes are looked at this often: somebody may have taken one away, or a device may have come back without. */
const RESYNC_MS = 60_000;
const RETRY_MS = 5_000;
/** Nodes that come together, one after the other, make one round. */
const GATHER_MS = 50;

/**
 * Routes to the pods of other nodes through the nodes' own addresses, where these are neighbours on a link. Where a router stands between,
 * as in clouds, the routes are the router's to have, and none is made here.
 */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  readonly #nodes = new Map<string, V1Node>();
  readonly #stop = new AbortController();
  readonly #notNeighbours = new Set<string>();
  #isDirty = true;
  #wake: () => void = () => undefined;
  #loop: Promise<void> | undefined;

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  setNode(node: V1Node, isDeleted = false): void {
    if (isDeleted) this.#nodes.delete(keyOf(node));
    else this.#nodes.set(keyOf(node), node);
    this.#isDirty = true;
    this.#wake();
  }

  /** Call it once the nodes are known: routes of nodes that are not there are taken away. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Routes stay, so that pods go on talking while the agent is being replaced. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#loop;
  }

  /** Takes our routes away. */
  async remove(): Promise<void> {
    await this.close();
    for (const [to, via] of await this.#present()) await this.#ip('del', to, via);
  }

  /** One round: the routes that should be, and no other of ours. */
  async sync(): Promise<void> {
    const wanted = await this.#wanted();
    const present = await this.#present();
    for (const [to, via] of present) if (wanted.get(to) !== via) await this.#ip('del', to, via);
    for (const [to, via] of wanted) if (present.get(to) !== via) await this.#ip('replace', to, via);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#isDirty = false;
      let restMs = RESYNC_MS;
      try {
        await this.sync();
      } catch (error) {
        log('warn', 'routes to the pods of other nodes could not be set', { error: String(error) });
        restMs = RETRY_MS;
      }
      if (signal.aborted) return;
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      if (!this.#isDirty) await sleep(clock, restMs, woken.signal);
      await sleep(clock, GATHER_MS, signal);
    }
  }

  async #wanted(): Promise<Map<string, string>> {
    const { nodeName, clusterCidrs } = this.#options;
    const routes = new Map<string, string>();
    for (const [name, node] of this.#nodes) {
      if (name === nodeName) continue;
      for (const text of node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : [])) {
        const range = parseCidr(text);
        if (range === undefined || !clusterCidrs.some((cidr) => isWithin(range, cidr))) continue;
        const via = internalIp(node, range.family);
        if (via !== undefined && (await this.#isNeighbour(name, via))) routes.set(formatCidr(range), via);
      }
    }
    return routes;
  }

  async #isNeighbour(node: string, ip: string): Promise<boolean> {
    const { host, log, nodeIps } = this.#options;
    if (nodeIps.includes(ip)) return false;
    const { code, stdout } = await host.run('ip', [family(ip), '-o', 'route', 'get', ip]);
    const isNeighbour = code === 0 && !/ via /.test(stdout) && !stdout.startsWith('local ');
    if (!isNeighbour && !this.#notNeighbours.has(node)) {
      log('info', 'a node is not on our link: the way to its pods is for the network to know', { node, ip });
    }
    if (isNeighbour) this.#notNeighbours.delete(node);
    else this.#notNeighbours.add(node);
    return isNeighbour;
  }

  async #present(): Promise<Map<string, string>> {
    const routes = new Map<string, string>();
    for (const flag of ['-4', '-6']) {
      const { code, stdout } = await this.#options.host.run('ip', [
        flag,
        '-o',
        'route',
        'show',
        'proto',
        ROUTE_PROTOCOL,
      ]);
      if (code !== 0) continue;
      for (const [, to = '', via = ''] of stdout.matchAll(/^(\S+) via (\S+)/gm)) {
        const range = parseCidr(to);
        // Another cluster's agent may mark its routes as we do.
        if (range !== undefined && this.#options.clusterCidrs.some((cidr) => isWithin(range, cidr))) {
          routes.set(formatCidr(range), via);
        }
      }
    }
    return routes;
  }

  async #ip(verb: 'del' | 'replace', to: string, via: string): Promise<void> {
    const args = [family(via), 'route', verb, to, 'via', via, 'proto', ROUTE_PROTOCOL];
    const { code, stderr } = await this.#options.host.run('ip', args);
    if (code === 0 || (verb === 'del' && /No such process/.test(stderr))) return;
    if (/not permitted/.test(stderr)) {
      throw new NetworkError(
        'not-permitted',
        'routes need root or the capability CAP_NET_ADMIN: run the agent as root',
      );
    }
    throw new NetworkError('failed', `ip ${args.join(' ')}: ${stderr.trim()}`);
  }
}

function internalIp(node: V1Node, wanted: Cidr['family']): string | undefined {
  for (const { type, address } of node.status?.addresses ?? []) {
    const ip = type === 'InternalIP' ? canonicalIp(address) : undefined;
    if (ip?.family === wanted) return ip.text;
  }
  return undefined;
}

function isWithin(range: Cidr, outer: Cidr): boolean {
  return range.prefixLength >= outer.prefixLength && cidrContains(outer, { family: range.family, value: range.first });
}

function family(ip: string): '-4' | '-6' {
  return parseIp(ip)?.family === 'IPv6' ? '-6' : '-4';
}

import { networkInterfaces } from 'node:os';
import type { IpFamily } from '../../lib/net/ip.js';
import { canonicalIp } from '../network/cidr.js';
import { NetworkError } from '../network/errors.js';
import type { Host } from '../network/host.js';
import type { UdpTarget } from './compile.js';

/** A UDP flow in the kernel's connection table: where the client sends, and who is taken to answer. */
interface Flow {
  family: IpFamily;
  destination: string;
  port: number;
  answerer: string;
  answererPort: number;
}

/**
 * UDP has no end of a connection: a client that goes on sending from one port is translated as its first packet was, for as long as it sends.
 * So flows to endpoints that are gone, and flows that began before there was an endpoint, are deleted. TCP ends by itself.
 */
export class Conntrack {
  readonly #host: Host;
  readonly #families: readonly IpFamily[];

  constructor(host: Host, families: readonly IpFamily[]) {
    this.#host = host;
    this.#families = families;
  }

  /** Deletes the flows to `targets` that go to none of their endpoints. One listing, whatever the number of targets. */
  async deleteStale(targets: readonly UdpTarget[]): Promise<void> {
    if (targets.length === 0) return;
    const byPlace = new Map<string, UdpTarget[]>();
    for (const target of targets) {
      const place = `${target.ip ?? '*'} ${target.port}`;
      byPlace.set(place, [...(byPlace.get(place) ?? []), target]);
    }
    const stale = new Map<string, Flow>();
    for (const family of this.#families) {
      for (const flow of await this.#flows(family)) {
        const places = byPlace.get(`${flow.destination} ${flow.port}`) ?? this.#nodePorts(byPlace, flow);
        if (places === undefined) continue;
        if (places.some(({ endpoints }) => endpoints.has(`${flow.answerer} ${flow.answererPort}`))) continue;
        // A flow that is not translated is stale only once somebody could answer it.
        const isUntranslated = flow.answerer === flow.destination && flow.answererPort === flow.port;
        if (isUntranslated && places.every(({ endpoints }) => endpoints.size === 0)) continue;
        stale.set(`${flow.destination} ${flow.port} ${flow.answerer} ${flow.answererPort}`, flow);
      }
    }
    for (const flow of stale.values()) await this.#delete(flow);
  }

  /** Flows to the node port's number elsewhere are none of ours. */
  #nodePorts(byPlace: ReadonlyMap<string, UdpTarget[]>, flow: Flow): UdpTarget[] | undefined {
    const places = byPlace.get(`* ${flow.port}`);
    return places !== undefined && (flow.answerer !== flow.destination || isOwnAddress(flow.destination))
      ? places
      : undefined;
  }

  async #flows(family: IpFamily): Promise<Flow[]> {
    const { code, stdout, stderr } = await this.#host.run('conntrack', ['-L', '-p', 'udp', '-f', nameOf(family)]);
    if (code !== 0) throw failure('listing UDP flows', stderr);
    return stdout
      .split('\n')
      .map((line) => parseFlow(line, family))
      .filter((flow) => flow !== undefined);
  }

  async #delete({ family, destination, port, answerer, answererPort }: Flow): Promise<void> {
    const what = ['-f', nameOf(family), '-p', 'udp', '--orig-dst', destination, '--orig-port-dst', String(port)];
    const who = ['--reply-src', answerer, '--reply-port-src', String(answererPort)];
    const { code, stderr } = await this.#host.run('conntrack', ['-D', ...what, ...who]);
    // It may have ended by itself meanwhile.
    if (code !== 0 && !/0 flow entries/.test(stderr)) throw failure('deleting UDP flows', stderr);
  }
}

/** `udp 17 29 src=A dst=B sport=1 dport=2 [UNREPLIED] src=C dst=A sport=3 dport=1 mark=0 use=1` */
export function parseFlow(line: string, family: IpFamily): Flow | undefined {
  const values = (name: string): string[] =>
    [...line.matchAll(new RegExp(` ${name}=(\\S+)`, 'g'))].map((m) => m[1] ?? '');
  const destination = canonicalIp(values('dst')[0])?.text;
  const answerer = canonicalIp(values('src')[1])?.text;
  const port = Number(values('dport')[0]);
  const answererPort = Number(values('sport')[1]);
  if (destination === undefined || answerer === undefined || !(port > 0) || !(answererPort > 0)) return undefined;
  return { family, destination, port, answerer, answererPort };
}

function isOwnAddress(ip: string): boolean {
  return Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => canonicalIp(address)?.text === ip),
  );
}

function nameOf(family: IpFamily): string {
  return family === 'IPv4' ? 'ipv4' : 'ipv6';
}

function failure(what: string, stderr: string): NetworkError {
  const words = stderr.trim().slice(0, 300);
  return /not permitted|root/i.test(stderr)
    ? new NetworkError('not-permitted', `${what} needs root or the capability CAP_NET_ADMIN: ${words}`)
    : new NetworkError('failed', `${what}: ${words}`);
}

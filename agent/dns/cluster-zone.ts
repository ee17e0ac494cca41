import { randomInt, type Random } from '../../lib/random.js';
import { parseIp } from '../../lib/net/ip.js';
import type { V1Service } from '../../lib/schema/generated/types.js';
import { cidrContains, type Cidr } from '../network/cidr.js';
import type { ServiceSource } from '../network/service-index.js';
import { CLUSTER_TTL_SECONDS } from './limits.js';
import { RCODE, TYPE, type Answer, type DnsRecord, type RecordData } from './records.js';
import { addressOfDashed, addressOfReverseName } from './reverse.js';
import { ReverseIndex } from './reverse-index.js';
import { clusterIpsOf, isHeadless, namedEndpoints, portsOf, type NamedEndpoint } from './service-names.js';

export interface ClusterZoneOptions {
  source: ServiceSource;
  /** `cluster.local` */
  domain: string;
  /** Reverse names of these ranges are answered here also when there is nothing to say. */
  ranges: readonly Cidr[];
  /** The cluster's DNS addresses, as pods know them. */
  nameServerIps: readonly string[];
  random: Random;
  /** Seconds since the epoch, for the zone's serial number. */
  nowSeconds: () => number;
}

/** The version of the specification: github.com/kubernetes/dns/blob/master/docs/specification.md */
const SCHEMA_VERSION = '1.1.0';

const SRV_WEIGHT = 100;
const PROTOCOL_LABELS = new Set(['_tcp', '_udp', '_sctp']);

/** What a name has; a name that is only above others has nothing. Undefined: there is no such name. */
type Found = { records: DnsRecord[]; additional?: DnsRecord[] } | undefined;

const NOTHING: Found = { records: [] };

/** The names of services and pods, as the Kubernetes DNS specification gives them, from local state. */
export class ClusterZone {
  readonly #options: ClusterZoneOptions;
  readonly #suffix: string;
  readonly #reverse: ReverseIndex;

  constructor(options: ClusterZoneOptions) {
    this.#options = options;
    this.#suffix = `.${options.domain}`;
    this.#reverse = new ReverseIndex(options.source);
  }

  close(): void {
    this.#reverse.close();
  }

  /** Whether the name is of the cluster's domain: nobody else may be asked for it. */
  owns(name: string): boolean {
    return name === this.#options.domain || name.endsWith(this.#suffix);
  }

  /**
   * The answer for a name in lower case, undefined when it is for somebody else to give. A CNAME is not followed here.
   */
  resolve(name: string, type: number): Answer | undefined {
    if (name.endsWith('.arpa')) return this.#resolveReverse(name, type);
    if (!this.owns(name)) return undefined;
    const labels = name === this.#options.domain ? [] : name.slice(0, -this.#suffix.length).split('.');
    const found = this.#find(name, labels, type);
    return this.#answer(found, type, this.#options.domain);
  }

  #answer(found: Found, type: number, zone: string): Answer {
    const matching = (found?.records ?? []).filter(
      ({ data }) => data.type === type || data.type === TYPE.CNAME || type === TYPE.ANY,
    );
    const answer: Answer = {
      rcode: found === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR,
      authoritative: true,
      answers: this.#shuffled(matching),
      authority: [],
      additional: matching.length > 0 ? (found?.additional ?? []) : [],
    };
    if (matching.length === 0) answer.authority.push(this.#authority(zone));
    return answer;
  }

  #resolveReverse(name: string, type: number): Answer | undefined {
    const ip = addressOfReverseName(name);
    if (ip === undefined) return undefined;
    const records = this.#reverse
      .namesOf(ip)
      .map((target) => this.#record(name, { type: TYPE.PTR, target: target + this.#suffix }));
    const parsed = parseIp(ip);
    const isOurs = parsed !== undefined && this.#options.ranges.some((range) => cidrContains(range, parsed));
    if (records.length === 0 && !isOurs) return undefined;
    const zone = name.split('.').slice(-2).join('.');
    return this.#answer(records.length === 0 ? undefined : { records }, type, zone);
  }

  #find(name: string, labels: readonly string[], type: number): Found {
    const last = labels.at(-1);
    switch (last) {
      case undefined:
        return {
          records: [this.#authority(name), this.#record(name, { type: TYPE.NS, target: `ns.dns${this.#suffix}` })],
        };
      case 'svc':
        return this.#findInServices(name, labels.slice(0, -1), type);
      case 'pod':
        return this.#findPod(name, labels.slice(0, -1));
      case 'dns':
        return this.#findNameServer(name, labels.slice(0, -1));
      case 'dns-version':
        return labels.length === 1
          ? { records: [this.#record(name, { type: TYPE.TXT, text: SCHEMA_VERSION })] }
          : undefined;
      default:
        return undefined;
    }
  }

  #findNameServer(name: string, labels: readonly string[]): Found {
    if (labels.length === 0) return NOTHING;
    if (labels.length > 1 || labels[0] !== 'ns') return undefined;
    return { records: this.#options.nameServerIps.map((ip) => this.#address(name, ip)) };
  }

  /** `[[[_port._protocol | hostname].]service.]namespace` */
  #findInServices(name: string, labels: readonly string[], type: number): Found {
    const { source } = this.#options;
    const [namespace, serviceName, third, fourth, fifth] = labels.toReversed();
    if (namespace === undefined) return NOTHING;
    if (serviceName === undefined) return source.hasNamespace(namespace) ? NOTHING : undefined;
    const key = `${namespace}/${serviceName}`;
    const service = source.service(key);
    if (service === undefined || fifth !== undefined) return undefined;
    const owner: ServiceName = { key, service, name: `${serviceName}.${namespace}.svc${this.#suffix}` };
    if (third === undefined) return this.#findService(name, owner, type);
    if (service.spec?.type === 'ExternalName') return undefined;
    if (PROTOCOL_LABELS.has(third)) return this.#findPort(name, owner, third.slice(1), fourth);
    return fourth === undefined ? this.#findEndpoint(name, owner, third) : undefined;
  }

  #findService(name: string, owner: ServiceName, type: number): Found {
    const { spec } = owner.service;
    if (spec?.type === 'ExternalName') {
      const target = (spec.externalName ?? '').toLowerCase().replace(/\.$/, '');
      // An address is no name; Kubernetes says that it is not resolved.
      if (target === '' || parseIp(target) !== undefined || !isName(target)) return NOTHING;
      return { records: [this.#record(name, { type: TYPE.CNAME, target })] };
    }
    const addresses = isHeadless(owner.service)
      ? this.#endpoints(owner).map(({ ip }) => this.#address(name, ip))
      : clusterIpsOf(owner.service).map(({ text }) => this.#address(name, text));
    if (addresses.length === 0) return isHeadless(owner.service) ? undefined : NOTHING;
    if (type !== TYPE.SRV) return { records: addresses };
    return this.#services(name, owner, () => true);
  }

  #findPort(name: string, owner: ServiceName, protocol: string, label: string | undefined): Found {
    const has = (port: { name: string; protocol: string }): boolean =>
      port.protocol === protocol && (label === undefined || (port.name !== '' && `_${port.name}` === label));
    const ports = isHeadless(owner.service)
      ? this.#endpoints(owner).flatMap((endpoint) => endpoint.ports)
      : portsOf(owner.service);
    if (!ports.some(has)) return undefined;
    return label === undefined ? NOTHING : this.#services(name, owner, has);
  }

  #findEndpoint(name: string, owner: ServiceName, label: string): Found {
    const endpoints = this.#endpoints(owner).filter((endpoint) => endpoint.label === label);
    if (endpoints.length === 0) return undefined;
    return { records: endpoints.map(({ ip }) => this.#address(name, ip)) };
  }

  /** SRV records: to the service itself, or to every endpoint of a headless one. */
  #services(name: string, owner: ServiceName, has: (port: { name: string; protocol: string }) => boolean): Found {
    const records: DnsRecord[] = [];
    const additional: DnsRecord[] = [];
    const add = (port: number, target: string): void => {
      records.push(this.#record(name, { type: TYPE.SRV, priority: 0, weight: SRV_WEIGHT, port, target }));
    };
    if (!isHeadless(owner.service)) {
      for (const port of portsOf(owner.service).filter(has)) add(port.port, owner.name);
      for (const { text } of clusterIpsOf(owner.service)) additional.push(this.#address(owner.name, text));
      return { records, additional };
    }
    const seen = new Set<string>();
    for (const endpoint of this.#endpoints(owner)) {
      const target = `${endpoint.label}.${owner.name}`;
      for (const port of endpoint.ports.filter(has)) {
        if (!seen.has(`${target} ${port.port}`)) add(port.port, target);
        seen.add(`${target} ${port.port}`);
      }
      additional.push(this.#address(target, endpoint.ip));
    }
    return { records, additional };
  }

  /** `10-244-1-5.namespace`: says what its name says, as the specification wants it; whether there is such a pod is not looked up. */
  #findPod(name: string, labels: readonly string[]): Found {
    const [namespace, label, more] = labels.toReversed();
    if (namespace === undefined || label === undefined) return NOTHING;
    const ip = more === undefined ? addressOfDashed(label) : undefined;
    return ip === undefined ? undefined : { records: [this.#address(name, ip)] };
  }

  #endpoints({ key, service }: ServiceName): NamedEndpoint[] {
    return namedEndpoints(service, this.#options.source.slices(key));
  }

  #address(name: string, ip: string): DnsRecord {
    return this.#record(name, { type: ip.includes(':') ? TYPE.AAAA : TYPE.A, address: ip });
  }

  #authority(zone: string): DnsRecord {
    return this.#record(zone, {
      type: TYPE.SOA,
      primary: `ns.dns${this.#suffix}`,
      mailbox: `hostmaster${this.#suffix}`,
      serial: this.#options.nowSeconds() >>> 0,
      minimumSeconds: CLUSTER_TTL_SECONDS,
    });
  }

  #record(name: string, data: RecordData): DnsRecord {
    return { name, ttlSeconds: CLUSTER_TTL_SECONDS, data };
  }

  /** Clients take the first: it is to be another one each time. */
  #shuffled(records: DnsRecord[]): DnsRecord[] {
    for (let index = records.length - 1; index > 0; index--) {
      const other = randomInt(this.#options.random, index + 1);
      [records[index], records[other]] = [records[other] as DnsRecord, records[index] as DnsRecord];
    }
    return records;
  }
}

interface ServiceName {
  key: string;
  service: V1Service;
  /** In full, without a closing dot. */
  name: string;
}

function isName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => label.length > 0 && label.length <= 63);
}

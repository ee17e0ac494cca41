import type { ServiceSource } from '../network/service-index.js';
import { clusterIpsOf, isHeadless, namedEndpoints } from './service-names.js';

/**
 * Names by address. Services that have changed are looked through when somebody asks, not before: reverse questions are rare, and changes
 * are not.
 */
export class ReverseIndex {
  readonly #source: ServiceSource;
  readonly #stale = new Set<string>();
  /** Names by address, by the service that gives them. */
  readonly #names = new Map<string, Map<string, string[]>>();
  readonly #addresses = new Map<string, string[]>();
  readonly #unfollow: () => void;

  constructor(source: ServiceSource) {
    this.#source = source;
    for (const key of source.keys()) this.#stale.add(key);
    this.#unfollow = source.onChange((key) => this.#stale.add(key));
  }

  /** Names relative to the cluster's domain, `web.default.svc`, of a canonical address; sorted. */
  namesOf(ip: string): string[] {
    for (const key of this.#stale) this.#read(key);
    this.#stale.clear();
    return [...new Set([...(this.#names.get(ip)?.values() ?? [])].flat())].sort();
  }

  close(): void {
    this.#unfollow();
  }

  #read(key: string): void {
    for (const ip of this.#addresses.get(key) ?? []) {
      const names = this.#names.get(ip);
      names?.delete(key);
      if (names?.size === 0) this.#names.delete(ip);
    }
    this.#addresses.delete(key);
    const addresses: string[] = [];
    for (const [ip, names] of this.#namesFrom(key)) {
      addresses.push(ip);
      let all = this.#names.get(ip);
      if (all === undefined) this.#names.set(ip, (all = new Map()));
      all.set(key, names);
    }
    if (addresses.length > 0) this.#addresses.set(key, addresses);
  }

  #namesFrom(key: string): Map<string, string[]> {
    const service = this.#source.service(key);
    const [namespace = '', name = ''] = key.split('/');
    const suffix = `${name}.${namespace}.svc`;
    const result = new Map<string, string[]>();
    if (service === undefined || service.spec?.type === 'ExternalName') return result;
    if (!isHeadless(service)) {
      for (const { text } of clusterIpsOf(service)) result.set(text, [suffix]);
      return result;
    }
    for (const { ip, label } of namedEndpoints(service, this.#source.slices(key)))
      result.set(ip, [`${label}.${suffix}`]);
    return result;
  }
}

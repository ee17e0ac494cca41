import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServiceTable } from '../../agent/network/service-index.js';
import { compileService, type CompiledService } from '../../agent/proxy/compile.js';
import { Nftables } from '../../agent/proxy/nftables.js';
import {
  Ruleset,
  stateOf,
  type ByFamily,
  type Fragment,
  type RulesetChange,
  type RulesetState,
} from '../../agent/proxy/ruleset.js';
import type { IpFamily } from '../../lib/net/ip.js';
import { randomInt, seededRandom } from '../../lib/random.js';
import { Namespace, noNamespacesReason } from '../support/netns.js';
import { skipWithoutNamespaces } from '../support/skip-without-namespaces.js';
import { changeSomething, CONTEXT } from './random-services.js';

// However the services came to be what they are, the kernel's table is the one that is built from nothing.

const SEQUENCES = 4;
const CHANGES = 16;

let namespace: Namespace;
skipWithoutNamespaces();
beforeAll(() => {
  if (noNamespacesReason() === undefined) namespace = new Namespace('diff');
});
afterAll(() => namespace?.destroy());

const families = CONTEXT.families;

function nftables(table: string): Nftables {
  return new Nftables({ host: namespace.host(), table, families, clusterCidrs: CONTEXT.clusterCidrs });
}

/** The table as the kernel has it, without what depends on its history: handles, and the order of elements and of things. */
function listing(family: string, table: string): string[] {
  const { nftables: items } = JSON.parse(namespace.run('nft', '-j', 'list', 'table', family, table)) as {
    nftables: Record<string, { handle?: number; elem?: unknown[]; table?: string; name?: string; chain?: string }>[];
  };
  const rulesSeen = new Map<string, number>();
  return items
    .flatMap((item) => Object.entries(item))
    .filter(([kind]) => kind !== 'metainfo' && kind !== 'table')
    .map(([kind, thing]) => {
      // The order of rules in a chain counts.
      const place = kind === 'rule' ? (rulesSeen.get(thing.chain ?? '') ?? 0) : 0;
      if (kind === 'rule') rulesSeen.set(thing.chain ?? '', place + 1);
      const elem = thing.elem?.map((one) => JSON.stringify(one)).sort();
      return JSON.stringify([kind, place, { ...thing, handle: undefined, table: undefined, elem }]);
    })
    .sort();
}

/** Services compiled as they change, as the proxy does it. */
class Incremental {
  readonly source = new ServiceTable();
  readonly #dirty = new Set<string>();
  readonly rulesets = new Map(families.map((family) => [family, new Ruleset()]));

  constructor() {
    this.source.onChange((key) => this.#dirty.add(key));
  }

  takeChange(): ByFamily<RulesetChange> {
    for (const key of this.#dirty) {
      const compiled = compiledOf(this.source, key);
      for (const [family, ruleset] of this.rulesets) ruleset.set(key, compiled?.fragments[family]);
    }
    this.#dirty.clear();
    return Object.fromEntries([...this.rulesets].map(([family, ruleset]) => [family, ruleset.takeChange()]));
  }
}

function compiledOf(source: ServiceTable, key: string): CompiledService | undefined {
  const service = source.service(key);
  return service && compileService(service, source.slices(key), CONTEXT);
}

/** The state from nothing, the services taken in another order. */
function coldState(source: ServiceTable, family: IpFamily): RulesetState {
  const fragments = new Map<string, Fragment>();
  for (const key of [...source.keys()].sort().reverse()) {
    const fragment = compiledOf(source, key)?.fragments[family];
    if (fragment !== undefined) fragments.set(key, fragment);
  }
  return stateOf(fragments);
}

const seeds = Array.from({ length: SEQUENCES }, (_, seed) => seed);

test.each(seeds)('changes one by one end at the same table as a build from nothing (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const services = new Incremental();
  const changed = nftables('changed');
  await changed.replace({});
  for (let step = 0; step < CHANGES; step++) {
    for (let count = randomInt(random, 3); count >= 0; count--) changeSomething(random, services.source);
    await changed.apply(services.takeChange());
    for (const [family, ruleset] of services.rulesets) {
      expect(ruleset.takeFull()).toEqual(coldState(services.source, family));
    }
  }
  expect(await changed.isPresent()).toBe(true);
  await nftables('empty').replace({});
  const cold = nftables('cold');
  await cold.replace(Object.fromEntries(families.map((family) => [family, coldState(services.source, family)])));
  const tables = (name: string): string[][] => ['ip', 'ip6'].map((family) => listing(family, name));
  expect(tables('changed')).not.toEqual(tables('empty'));
  expect(tables('changed')).toEqual(tables('cold'));
  expect(await changed.isUntouched()).toBe(true);
  expect(await changed.isUntouched()).toBe(true);
  namespace.run('nft', 'add', 'element', 'ip', 'changed', 'cluster-ips', '{ 10.96.7.7 }');
  expect(await changed.isUntouched()).toBe(false);
  for (let look = 0; look < 5; look++) expect(await changed.isPresent()).toBe(true);
  namespace.run('nft', 'flush', 'table', 'ip', 'changed');
  for (let look = 0; look < 5; look++) expect(await changed.isPresent()).toBe(false);
});

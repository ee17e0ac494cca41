import type { IpFamily } from '../../lib/net/ip.js';

/** Element of a map or set; `value` is '' in a set. */
export interface Element {
  container: string;
  key: string;
  value: string;
}

/**
 * What one owner (a service, or the proxy itself) wants in the table of one family. Chain and set names carry the owner, so that they never
 * meet; `claims` are on things that there is one of (an address with its port), and the lowest `rank` gets it.
 */
export interface Fragment {
  /** Rules by chain. */
  chains: Map<string, readonly string[]>;
  /** Declarations by set: `type ipv4_addr; flags dynamic,timeout;`. */
  sets: Map<string, string>;
  claims: Map<string, Claim>;
}

export interface Claim {
  rank: string;
  element: Element;
}

/** The whole wanted content of a table besides its skeleton. Elements are keyed by `elementId`. */
export interface RulesetState {
  chains: ReadonlyMap<string, readonly string[]>;
  sets: ReadonlyMap<string, string>;
  elements: ReadonlyMap<string, Element>;
}

/** The steps from one state to the next, all taken in one transaction. */
export interface RulesetChange {
  setsAdded: [name: string, declaration: string][];
  chainsAdded: string[];
  /** New rules of new and of present chains. */
  chainsWritten: [name: string, rules: readonly string[]][];
  elementsRemoved: Element[];
  elementsAdded: Element[];
  chainsRemoved: string[];
  setsRemoved: string[];
}

export type ByFamily<T> = Partial<Record<IpFamily, T>>;

export function emptyFragment(): Fragment {
  return { chains: new Map(), sets: new Map(), claims: new Map() };
}

export function elementId(element: Element): string {
  return `${element.container} ${element.key}`;
}

/**
 * The wanted state of one table, put together from fragments. It remembers what has been programmed, so that the cost of a change is that of
 * what changed and not of what exists.
 */
export class Ruleset {
  readonly #fragments = new Map<string, Fragment>();
  readonly #claims = new Map<string, Map<string, Claim>>();
  readonly #programmed = { chains: new Map<string, readonly string[]>(), sets: new Map<string, string>() };
  readonly #wanted = { chains: new Map<string, readonly string[]>(), sets: new Map<string, string>() };
  /** What a claim has programmed. */
  readonly #elements = new Map<string, Element>();
  readonly #dirty = { chains: new Set<string>(), sets: new Set<string>(), claims: new Set<string>() };

  /** Replaces what `owner` wants; undefined: nothing any more. */
  set(owner: string, fragment: Fragment | undefined): void {
    const old = this.#fragments.get(owner) ?? emptyFragment();
    if (fragment === undefined) this.#fragments.delete(owner);
    else this.#fragments.set(owner, fragment);
    const next = fragment ?? emptyFragment();
    exchange(this.#wanted.chains, this.#dirty.chains, old.chains, next.chains);
    exchange(this.#wanted.sets, this.#dirty.sets, old.sets, next.sets);
    for (const slot of old.claims.keys()) if (!next.claims.has(slot)) this.#unclaim(slot, owner);
    for (const [slot, claim] of next.claims) this.#claim(slot, owner, claim);
  }

  /** The steps to what is wanted now, undefined when there are none. They count as taken: after a failure take `full`. */
  takeChange(): RulesetChange | undefined {
    const change: RulesetChange = {
      setsAdded: [],
      chainsAdded: [],
      chainsWritten: [],
      elementsRemoved: [],
      elementsAdded: [],
      chainsRemoved: [],
      setsRemoved: [],
    };
    this.#takeSets(change);
    this.#takeChains(change);
    this.#takeElements(change);
    const isEmpty = Object.values(change).every((steps: unknown[]) => steps.length === 0);
    return isEmpty ? undefined : change;
  }

  /** Everything that is wanted now; it counts as programmed. */
  takeFull(): RulesetState {
    this.takeChange();
    const elements = new Map([...this.#elements.values()].map((element) => [elementId(element), element]));
    return { chains: new Map(this.#wanted.chains), sets: new Map(this.#wanted.sets), elements };
  }

  #takeSets(change: RulesetChange): void {
    for (const name of this.#dirty.sets) {
      const wanted = this.#wanted.sets.get(name);
      const programmed = this.#programmed.sets.get(name);
      if (wanted === undefined && programmed !== undefined) {
        change.setsRemoved.push(name);
        this.#programmed.sets.delete(name);
      } else if (wanted !== undefined && programmed === undefined) {
        change.setsAdded.push([name, wanted]);
        this.#programmed.sets.set(name, wanted);
      }
    }
    this.#dirty.sets.clear();
  }

  #takeChains(change: RulesetChange): void {
    for (const name of this.#dirty.chains) {
      const wanted = this.#wanted.chains.get(name);
      const programmed = this.#programmed.chains.get(name);
      if (wanted === undefined) {
        if (programmed !== undefined) change.chainsRemoved.push(name);
        this.#programmed.chains.delete(name);
      } else if (!sameRules(wanted, programmed)) {
        if (programmed === undefined) change.chainsAdded.push(name);
        change.chainsWritten.push([name, wanted]);
        this.#programmed.chains.set(name, wanted);
      }
    }
    this.#dirty.chains.clear();
  }

  #takeElements(change: RulesetChange): void {
    for (const slot of this.#dirty.claims) {
      const wanted = this.#winner(slot);
      const programmed = this.#elements.get(slot);
      if (sameElement(wanted, programmed)) continue;
      if (programmed !== undefined) change.elementsRemoved.push(programmed);
      if (wanted === undefined) this.#elements.delete(slot);
      else {
        change.elementsAdded.push(wanted);
        this.#elements.set(slot, wanted);
      }
    }
    this.#dirty.claims.clear();
  }

  #winner(slot: string): Element | undefined {
    let best: Claim | undefined;
    for (const claim of this.#claims.get(slot)?.values() ?? []) {
      if (best === undefined || claim.rank < best.rank) best = claim;
    }
    return best?.element;
  }

  #claim(slot: string, owner: string, claim: Claim): void {
    const owners = this.#claims.get(slot);
    if (owners === undefined) this.#claims.set(slot, new Map([[owner, claim]]));
    else owners.set(owner, claim);
    this.#dirty.claims.add(slot);
  }

  #unclaim(slot: string, owner: string): void {
    const owners = this.#claims.get(slot);
    owners?.delete(owner);
    if (owners?.size === 0) this.#claims.delete(slot);
    this.#dirty.claims.add(slot);
  }
}

/** The state of fragments from nothing: what every sequence of changes has to end at. */
export function stateOf(fragments: ReadonlyMap<string, Fragment>): RulesetState {
  const ruleset = new Ruleset();
  for (const [owner, fragment] of fragments) ruleset.set(owner, fragment);
  return ruleset.takeFull();
}

function exchange<T>(
  wanted: Map<string, T>,
  dirty: Set<string>,
  old: ReadonlyMap<string, T>,
  next: ReadonlyMap<string, T>,
): void {
  for (const name of old.keys()) {
    if (next.has(name)) continue;
    wanted.delete(name);
    dirty.add(name);
  }
  for (const [name, value] of next) {
    wanted.set(name, value);
    dirty.add(name);
  }
}

function sameRules(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((rule, index) => rule === b[index]);
}

function sameElement(a: Element | undefined, b: Element | undefined): boolean {
  return a === b || (a?.container === b?.container && a?.key === b?.key && a?.value === b?.value);
}

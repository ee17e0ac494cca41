import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { IpFamily } from '../../lib/net/ip.js';
import type { Log } from '../network/log.js';
import type { ServiceSource } from '../network/service-index.js';
import { compileService, type CompileContext, type CompiledService, type UdpTarget } from './compile.js';
import type { Conntrack } from './conntrack.js';
import type { Firewall } from './firewall.js';
import { HealthServers } from './health-server.js';
import { Ruleset, type ByFamily, type Fragment, type RulesetChange, type RulesetState } from './ruleset.js';

export interface ServiceProxyOptions {
  source: ServiceSource;
  firewall: Firewall;
  /** Undefined: stale UDP flows are left alone. */
  conntrack?: Pick<Conntrack, 'deleteStale'>;
  context: CompileContext;
  /** Rules of the node itself besides those of services: the translation of the cluster's DNS address. */
  own?: ByFamily<Fragment>;
  clock: Clock;
  log: Log;
}

/** What is heard in the same moment becomes one transaction; what comes while that is being applied, the next. */
const GATHER_MS = 0;

/** After a second failure in a row, doubled up to the longest. The first is often a table that was wiped: it is written anew at once. */
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;

/** How often it is looked whether the table is still there, and whether its content is still ours. */
const PRESENCE_INTERVAL_MS = 5_000;
const CONTENT_INTERVAL_MS = 300_000;

/** The owner of `own`. No service is named so. */
const OWN = '';

/**
 * Keeps the firewall at what services and slices say. Changes are gathered, compiled and applied one transaction after the other; after any
 * failure, and when somebody else touched the table, everything is written anew.
 */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #rulesets: Map<IpFamily, Ruleset>;
  readonly #health: HealthServers;
  readonly #stop = new AbortController();
  #context: CompileContext;
  #dirty = new Set<string>();
  #compiled = new Map<string, CompiledService>();
  /** UDP targets whose flows are still to be looked through. */
  #stale: UdpTarget[] = [];
  #needsFull = true;
  #wake: () => void = () => undefined;
  #waiters: (() => void)[] = [];
  #loop: Promise<void> | undefined;
  #unfollow: () => void = () => undefined;
  #isWorking = false;
  #nextPresenceMs = 0;
  #nextContentMs = 0;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#rulesets = new Map(options.context.families.map((family) => [family, new Ruleset()]));
    this.#health = new HealthServers(options.log, () => !this.#needsFull);
    for (const [family, ruleset] of this.#rulesets) ruleset.set(OWN, options.own?.[family]);
  }

  /** Call it once the source has been read in full: what is not in it then is taken off the node. Resolves once all of it is programmed. */
  async start(): Promise<void> {
    this.#unfollow = this.#options.source.onChange((key) => this.#touch(key));
    for (const key of this.#options.source.keys()) this.#dirty.add(key);
    this.#loop = this.#run();
    await this.settled();
  }

  /** Resolves once everything known at the time of the call is programmed. */
  settled(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#wake();
    });
  }

  /** The node has moved to another zone, or has other addresses. */
  setContext(context: CompileContext): void {
    this.#context = context;
    for (const key of this.#options.source.keys()) this.#dirty.add(key);
    this.#wake();
  }

  /** Writes everything anew: for a person who does not trust what is there. */
  resync(): void {
    this.#needsFull = true;
    this.#wake();
  }

  /** Ends following. The rules stay, so that services go on while the agent is being replaced. */
  async close(): Promise<void> {
    this.#unfollow();
    this.#stop.abort();
    this.#wake();
    this.#health.close();
    await this.#loop;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Ends following and takes all rules away. */
  async remove(): Promise<void> {
    await this.close();
    await this.#options.firewall.remove();
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    this.#wake();
  }

  #isIdle(): boolean {
    return !this.#needsFull && this.#dirty.size === 0 && !this.#isWorking && this.#stale.length === 0;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    let retryMs = 0;
    while (!signal.aborted) {
      try {
        this.#isWorking = true;
        await this.#check();
        await this.#program();
        await this.#forgetStaleFlows();
        retryMs = 0;
      } catch (error) {
        this.#needsFull = true;
        log('warn', 'services could not be programmed', { error: String(error), retryMs });
        await sleep(clock, retryMs, signal);
        retryMs = Math.min(Math.max(RETRY_MS, retryMs * 2), RETRY_MS_MAX);
        continue;
      } finally {
        this.#isWorking = false;
      }
      if (this.#isIdle()) {
        for (const resolve of this.#waiters.splice(0)) resolve();
        await this.#rest();
      }
    }
  }

  /** Until something changes or it is time to look at the table. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (signal.aborted) return;
    if (this.#isIdle()) await sleep(clock, Math.max(0, this.#nextPresenceMs - clock.now()), woken.signal);
    this.#wake = () => undefined;
    if (!this.#isIdle()) await sleep(clock, GATHER_MS, signal);
  }

  /** Whether the table is as we left it. */
  async #check(): Promise<void> {
    const { clock, firewall, log } = this.#options;
    const nowMs = clock.now();
    if (this.#needsFull || nowMs < this.#nextPresenceMs) return;
    this.#nextPresenceMs = nowMs + PRESENCE_INTERVAL_MS;
    let isOurs = await firewall.isPresent();
    if (isOurs && nowMs >= this.#nextContentMs) {
      this.#nextContentMs = nowMs + CONTENT_INTERVAL_MS;
      isOurs = await firewall.isUntouched();
    }
    if (isOurs) return;
    log('warn', 'somebody else changed the nftables table: all services are written anew', {});
    this.#needsFull = true;
  }

  async #program(): Promise<void> {
    const { firewall, clock } = this.#options;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const key of dirty) this.#compile(key);
    if (this.#needsFull) {
      const state: ByFamily<RulesetState> = {};
      for (const [family, ruleset] of this.#rulesets) state[family] = ruleset.takeFull();
      // Asked again meanwhile: another one follows.
      this.#needsFull = false;
      await firewall.replace(state);
      this.#nextPresenceMs = clock.now() + PRESENCE_INTERVAL_MS;
      this.#nextContentMs = clock.now() + CONTENT_INTERVAL_MS;
      return;
    }
    const change: ByFamily<RulesetChange> = {};
    for (const [family, ruleset] of this.#rulesets) change[family] = ruleset.takeChange();
    if (Object.values(change).some((steps) => steps !== undefined)) await firewall.apply(change);
  }

  #compile(key: string): void {
    const { source } = this.#options;
    const service = source.service(key);
    const before = this.#compiled.get(key);
    const after = service && compileService(service, source.slices(key), this.#context);
    if (after === undefined) this.#compiled.delete(key);
    else this.#compiled.set(key, after);
    for (const [family, ruleset] of this.#rulesets) ruleset.set(key, after?.fragments[family]);
    this.#health.set(key, after?.health);
    this.#stale.push(...staleTargets(before?.udp ?? [], after?.udp ?? []));
  }

  /** Failing at this is no reason to program anything again. */
  async #forgetStaleFlows(): Promise<void> {
    const targets = this.#stale;
    if (targets.length === 0) return;
    this.#stale = [];
    try {
      await this.#options.conntrack?.deleteStale(targets);
    } catch (error) {
      this.#options.log('warn', 'stale UDP flows could not be deleted', { error: String(error) });
    }
  }
}

/** Places whose flows may go where they should not any more: an endpoint has left, or the first one has come. */
export function staleTargets(before: readonly UdpTarget[], after: readonly UdpTarget[]): UdpTarget[] {
  const place = ({ ip, port }: UdpTarget): string => `${ip ?? '*'} ${port}`;
  const old = new Map(before.map((target) => [place(target), target.endpoints]));
  const stale: UdpTarget[] = [];
  for (const target of after) {
    const endpoints = old.get(place(target)) ?? new Set();
    old.delete(place(target));
    const hasLost = [...endpoints].some((endpoint) => !target.endpoints.has(endpoint));
    if (hasLost || (endpoints.size === 0 && target.endpoints.size > 0)) stale.push(target);
  }
  for (const target of before) {
    if (old.has(place(target)) && target.endpoints.size > 0) stale.push({ ...target, endpoints: new Set() });
  }
  return stale;
}

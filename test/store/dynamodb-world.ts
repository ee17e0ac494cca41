import { sleep } from '../../lib/clock/clock.js';
import type { Clock } from '../../lib/clock/clock.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { randomFraction, randomInt, seededRandom } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { unpackBody } from '../../lib/store/dynamodb/body.js';
import { logBucket, logPartition, readSlot } from '../../lib/store/dynamodb/items.js';
import type { Item, Table } from '../../lib/store/dynamodb/table.js';
import { isStoreError } from '../../lib/store/errors.js';
import type { ChangeEvent, ListPosition, StoredObject, WriteOperation } from '../../lib/store/store.js';
import { drive } from '../support/drive.js';
import { FaultyTable } from '../support/faulty-table.js';
import { NO_FAULTS, TableConnection } from '../support/table-connection.js';
import type { Faults } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { findViolation } from './linearizability.js';
import type { Operation, SequentialModel } from './linearizability.js';

const COLLECTION = 'core/pods';
/** How long watches may go on after the last write: above the grace period. */
const END_MS = 6_000;

/** What a client of one key calls and hears. */
type KeyCall = { kind: 'read' } | { kind: 'write'; expect: number | 'absent'; deletes: boolean };
type KeyAnswer =
  | { kind: 'object'; revision: number | 'absent' }
  | { kind: 'written'; revision: number }
  | { kind: 'refused'; isNamed: boolean };

type KeyState = number | 'absent';

/** The protocol promises linearizability for each object. */
const keyModel: SequentialModel<KeyState, KeyCall, KeyAnswer> = {
  initial: 'absent',
  apply(state, call, answer) {
    if (answer === undefined) return state;
    if (call.kind === 'read') return answer.kind === 'object' && answer.revision === state ? state : undefined;
    if (answer.kind === 'refused') return (state !== call.expect) === answer.isNamed ? state : undefined;
    if (answer.kind !== 'written' || state !== call.expect) return undefined;
    return call.deletes ? 'absent' : answer.revision;
  },
  name: String,
};

/** A write as its client knows it. */
interface Written {
  id: string;
  changes: { key: string; expect: number | 'absent'; deletes: boolean }[];
  calledAt: number;
  returnedAt: number;
  /** Undefined: the client never heard, or heard that it is not known. */
  outcome:
    | { kind: 'written'; revisions: number[] }
    | { kind: 'conflict'; keys: string[] }
    | { kind: 'refused' }
    | undefined;
}

interface CommittedEvent {
  revision: number;
  key: string;
  isDelete: boolean;
  was: number;
  wasLive: boolean;
  text: string;
}

export interface WorldOptions {
  seed: number;
  faults: Faults;
  retentionMs: number;
  /** Items expire while it runs. */
  expires: boolean;
  processes: number;
  clients: number;
  callsPerClient: number;
  keys: number;
  killPart: number;
  skewMaxMs: number;
  /** Changes what the processes see of the table: to plant defects. */
  plant?: (table: Table) => Table;
  /** A real table instead of the double, in real time; nothing replays then. */
  remote?: { table: Table; clock: Clock; cluster: string };
}

export const WORLD_DEFAULTS: Omit<WorldOptions, 'seed'> = {
  faults: NO_FAULTS,
  retentionMs: 600_000,
  expires: false,
  processes: 3,
  clients: 4,
  callsPerClient: 12,
  keys: 3,
  killPart: 0.02,
  skewMaxMs: 0,
};

interface Process {
  store: DynamoDbStore;
  kill: () => void;
  died: Promise<'died'>;
}

export interface WorldReport {
  violations: string[];
  events: number;
  voids: number;
  lost: number;
  compacted: number;
  unknown: number;
  kills: number;
  trace: string;
}

/** Several processes over one table, with faults and deaths, on a fake clock unless the table is a real one; then everything the protocol promises is looked at. */
export class DynamoDbWorld {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #fakeClock = new FakeClock(undefined, 1);
  readonly #clock: Clock;
  readonly #double: TableDouble;
  readonly #processes: Process[] = [];
  readonly #history: { key: string; operation: Operation<KeyCall, KeyAnswer> }[] = [];
  readonly #writes: Written[] = [];
  readonly #lists: { revision: number; items: string[] }[] = [];
  readonly #committed = new Map<number, CommittedEvent>();
  readonly #newestByKey = new Map<string, number>();
  readonly #report: WorldReport = {
    violations: [],
    events: 0,
    voids: 0,
    lost: 0,
    compacted: 0,
    unknown: 0,
    kills: 0,
    trace: '',
  };
  #now = 0;
  #ids = 0;
  #isOver = false;
  #endRevision = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#clock = options.remote?.clock ?? this.#fakeClock;
    this.#double = new TableDouble({ clock: this.#fakeClock, pageSizeBytes: 700 });
    this.#double.onCommit = (items) => items.forEach((item) => this.#audit(item));
    for (let index = 0; index < options.processes; index++) this.#processes.push(this.#start(options.faults));
  }

  async run(): Promise<WorldReport> {
    const { remote } = this.#options;
    if (remote === undefined) await drive(this.#fakeClock, this.#live());
    else {
      await this.#live();
      await this.#auditAll(remote);
    }
    const newest = Math.max(1, ...this.#committed.keys());
    if (this.#endRevision < newest) this.#violated(`the last list ends at ${this.#endRevision}, below ${newest}`);
    this.#checkAllWatched();
    this.#checkWrites();
    this.#checkLists();
    this.#checkKeys();
    this.#report.trace = JSON.stringify([...this.#committed.values(), this.#now, this.#clock.now()]);
    return this.#report;
  }

  async #live(): Promise<void> {
    const clients = Array.from({ length: this.#options.clients }, () => this.#client());
    const watchers = Array.from({ length: 2 }, () => this.#watcher());
    void this.#reaper();
    await Promise.all(clients);
    this.#isOver = true;
    await Promise.all(watchers);
    await this.#checkEnd();
  }

  #start(faults: Faults): Process {
    const { skewMaxMs, retentionMs, plant, remote } = this.#options;
    const skewMs = skewMaxMs === 0 ? 0 : randomInt(this.#random, 2 * skewMaxMs) - skewMaxMs;
    const clock: Clock = {
      now: () => this.#clock.now() + skewMs,
      setTimer: (delayMs, callback) => this.#clock.setTimer(delayMs, callback),
    };
    const wire = { clock: this.#clock, random: this.#random, lateMaxMs: 5_000, timeoutMs: 1_000 };
    const network = { ...wire, latencyMaxMs: 12 };
    const connection =
      remote === undefined
        ? new TableConnection({ double: this.#double, network, faults })
        : new FaultyTable({ ...wire, table: remote.table, faults });
    const table = plant?.(connection) ?? connection;
    const cluster = remote?.cluster ?? 'world';
    const store = new DynamoDbStore({ table, clock, random: this.#random, cluster, retentionMs });
    let die: (value: 'died') => void = () => undefined;
    const died = new Promise<'died'>((resolve) => (die = resolve));
    const kill = (): void => {
      connection.kill();
      die('died');
    };
    return { store, kill, died };
  }

  /** Deaths and expiry. */
  async #reaper(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#clock, 50);
      if (this.#options.expires) this.#double.expire(() => randomInt(this.#random, 3) === 0);
      if (randomFraction(this.#random) >= this.#options.killPart) continue;
      const index = randomInt(this.#random, this.#processes.length);
      this.#processes[index]?.kill();
      this.#processes[index] = this.#start(this.#options.faults);
      this.#report.kills++;
    }
  }

  async #client(): Promise<void> {
    const known = new Map<string, number | 'absent'>();
    let position: ListPosition | undefined;
    for (let count = 0; count < this.#options.callsPerClient; count++) {
      const pauseMs = this.#options.expires ? randomInt(this.#random, this.#options.retentionMs / 6) : 40;
      await sleep(this.#clock, randomInt(this.#random, 4) === 0 ? pauseMs : randomInt(this.#random, 30));
      const dice = randomInt(this.#random, 10);
      if (dice < 3) await this.#get(this.#key(), known);
      else if (dice < 4) {
        await this.#list(known);
        // At once, in case a transaction is half visible.
        await this.#get(this.#key(), known);
      } else if (dice < 5) position = await this.#page(position);
      else await this.#write(dice === 9 ? 1 + randomInt(this.#random, 3) : 1, known);
    }
  }

  async #get(key: string, known: Map<string, number | 'absent'>): Promise<void> {
    const calledAt = this.#now++;
    const object = await this.#ask(({ store }) => store.get(COLLECTION, key));
    if (object === 'nothing') return;
    if (object !== undefined) this.#checkBody(object);
    known.set(key, object?.revision ?? 'absent');
    this.#heard(key, calledAt, object?.revision ?? 'absent');
  }

  async #list(known: Map<string, number | 'absent'>): Promise<void> {
    const calledAt = this.#now++;
    const listed = await this.#ask(({ store }) => store.list(COLLECTION));
    if (listed === 'nothing') return;
    this.#sawList(listed.items, listed.revision);
    for (let index = 0; index < this.#options.keys; index++) {
      const key = `ns/k${index}`;
      const revision = listed.items.find((item) => item.key === key)?.revision ?? 'absent';
      known.set(key, revision);
      this.#heard(key, calledAt, revision, 0);
    }
    this.#now++;
  }

  /** A first page of one object, or the rest from a page before. */
  async #page(position: ListPosition | undefined): Promise<ListPosition | undefined> {
    const options = position === undefined ? { limit: 1 } : { continue: position };
    const page = await this.#ask(({ store }) => store.list(COLLECTION, options));
    if (page === 'nothing') return undefined;
    page.items.forEach((item) => this.#checkBody(item));
    const shown = page.items.map(({ key, revision }) => `${key}@${revision}`);
    this.#lists.push({ revision: page.revision, items: [`after ${position?.afterKey ?? ''}`, ...shown] });
    return page.continue;
  }

  async #write(count: number, known: Map<string, number | 'absent'>): Promise<void> {
    const keys = new Set(Array.from({ length: count }, () => this.#key()));
    const id = `w${this.#ids++}`;
    const changes = [...keys].map((key) => {
      const expect = known.get(key) ?? 'absent';
      return { key, expect, deletes: expect !== 'absent' && randomInt(this.#random, 3) === 0 };
    });
    const written: Written = { id, changes, calledAt: this.#now++, returnedAt: Infinity, outcome: undefined };
    this.#writes.push(written);
    const operations = changes.map(({ key, expect, deletes }): WriteOperation => ({
      key,
      expect,
      delete: deletes,
      body: (revision) => Buffer.from(`${id} ${key}@${revision}`),
    }));
    const { store, died } = this.#anyProcess();
    try {
      const revisions = await Promise.race([store.write(COLLECTION, operations), died]);
      if (revisions === 'died') return;
      written.outcome = { kind: 'written', revisions };
      changes.forEach(({ key, deletes }, index) => known.set(key, deletes ? 'absent' : (revisions[index] as number)));
    } catch (error) {
      if (isStoreError(error, 'conflict')) written.outcome = { kind: 'conflict', keys: [...error.keys] };
      else if (isStoreError(error, 'unavailable')) written.outcome = { kind: 'refused' };
      else if (isStoreError(error, 'unknown')) this.#report.unknown++;
      else throw error;
    }
    if (written.outcome !== undefined) written.returnedAt = this.#now++;
  }

  /** Follows the log across deaths; what it sees must be every event from where it began, in order, or a list again. */
  async #watcher(): Promise<void> {
    let position = 1;
    let stop = new AbortController();
    const end = (async () => {
      while (!this.#isOver) await sleep(this.#clock, 100);
      await sleep(this.#clock, END_MS);
      stop.abort();
    })();
    let isEnding = false;
    void end.then(() => (isEnding = true));
    while (!isEnding) {
      const { store, died } = this.#anyProcess();
      const session = new AbortController();
      stop = session;
      const iterator = store.watch(COLLECTION, position, session.signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await Promise.race([iterator.next(), died]);
          if (step === 'died' || step.done === true) break;
          this.#watched.push({ events: step.value.events, after: position, revision: step.value.revision });
          position = step.value.revision;
        }
      } catch (error) {
        if (isStoreError(error, 'compacted')) {
          this.#report.compacted++;
          const listed = await this.#ask((process) => process.store.list(COLLECTION));
          if (listed !== 'nothing') {
            this.#sawList(listed.items, listed.revision);
            position = listed.revision;
          }
        } else if (!isStoreError(error, 'unavailable')) throw error;
        await sleep(this.#clock, 100);
      }
    }
  }

  /** A read of any process; what it could not tell is `nothing`. */
  async #ask<T>(call: (process: Process) => Promise<T>): Promise<T | 'nothing'> {
    const process = this.#anyProcess();
    try {
      const answer = await Promise.race([call(process), process.died]);
      return answer === 'died' ? 'nothing' : (answer as T);
    } catch (error) {
      if (isStoreError(error, 'compacted')) this.#report.compacted++;
      else if (!isStoreError(error, 'unavailable')) throw error;
      return 'nothing';
    }
  }

  #anyProcess(): Process {
    return this.#processes[randomInt(this.#random, this.#processes.length)] as Process;
  }

  #key(): string {
    return `ns/k${randomInt(this.#random, this.#options.keys)}`;
  }

  #heard(key: string, calledAt: number, revision: number | 'absent', ticks = 1): void {
    const returnedAt = this.#now;
    this.#now += ticks;
    this.#history.push({
      key,
      operation: { input: { kind: 'read' }, output: { kind: 'object', revision }, calledAt, returnedAt },
    });
  }

  #sawList(items: readonly StoredObject[], revision: number): void {
    items.forEach((item) => this.#checkBody(item));
    this.#lists.push({ revision, items: items.map((item) => `${item.key}@${item.revision}`) });
  }

  /** Every write of the table, in the order of commits. */
  #audit(item: Item): void {
    if (!item.pk.includes('/log/')) return;
    const slot = readSlot(item);
    if (this.#committed.has(slot.revision)) this.#violated(`slot ${slot.revision} was written twice`);
    if (slot.kind !== 'event') {
      this.#report[slot.kind === 'void' ? 'voids' : 'lost']++;
      return;
    }
    this.#report.events++;
    const { key, isDelete, was, wasLive } = slot.event;
    if ((this.#newestByKey.get(key) ?? 0) >= slot.revision)
      this.#violated(`revisions of ${key} fell to ${slot.revision}`);
    this.#newestByKey.set(key, slot.revision);
    const text = Buffer.from(unpackBody(item)).toString();
    this.#committed.set(slot.revision, { revision: slot.revision, key, isDelete, was, wasLive, text });
  }

  #checkBody({ key, revision, body }: StoredObject): void {
    if (!Buffer.from(body).toString().endsWith(` ${key}@${revision}`))
      this.#violated(`${key} at ${revision} holds ${Buffer.from(body).toString()}`);
  }

  /** At the end: what was committed later below what a watch had been told is an event that it never saw. */
  #checkAllWatched(): void {
    for (const { events, after, revision } of this.#watched) this.#checkWatched(events, after, revision);
  }

  #checkWatched(events: readonly ChangeEvent[], after: number, revision: number): void {
    const expected = this.#eventsBetween(after, revision);
    const shown = events.map((event) => `${event.revision} ${event.type} ${Buffer.from(event.body).toString()}`);
    const wanted = expected.map((event) => `${event.revision} ${typeOf(event)} ${event.text}`);
    if (String(shown) !== String(wanted)) this.#violated(`a watch saw ${String(shown)} instead of ${String(wanted)}`);
    for (const event of events) {
      const was = this.#committed.get(this.#committed.get(event.revision)?.was ?? 0);
      const previous = event.previous === undefined ? undefined : Buffer.from(event.previous).toString();
      if (event.type !== 'created' && previous !== was?.text)
        this.#violated(`event ${event.revision} replaced ${was?.text}, not ${previous}`);
    }
  }

  readonly #watched: { events: readonly ChangeEvent[]; after: number; revision: number }[] = [];

  /** What a table that tells nothing by itself was written, in the order of revisions. */
  async #auditAll({ table, cluster }: NonNullable<WorldOptions['remote']>): Promise<void> {
    const newest = Math.max(0, ...this.#lists.map(({ revision }) => revision));
    for (let bucket = 0; bucket <= logBucket(newest); bucket++) {
      const partition = logPartition(`${cluster}/${COLLECTION}`, bucket);
      let after: string | undefined;
      do {
        const page = await table.query({ partition, ...(after === undefined ? {} : { after }) });
        page.items.forEach((item) => this.#audit(item));
        after = page.next;
      } while (after !== undefined);
    }
  }

  #eventsBetween(after: number, revision: number): CommittedEvent[] {
    return [...this.#committed.values()]
      .filter((event) => event.revision > after && event.revision <= revision)
      .sort((a, b) => a.revision - b.revision);
  }

  /** After all is quiet a fresh process without faults must see what the commits say, everywhere. */
  async #checkEnd(): Promise<void> {
    const { store } = this.#start(NO_FAULTS);
    const { items, revision } = await store.list(COLLECTION);
    this.#sawList(items, revision);
    this.#endRevision = revision;
    for (let index = 0; index < this.#options.keys; index++) {
      const object = await store.get(COLLECTION, `ns/k${index}`);
      const listed = items.find(({ key }) => key === `ns/k${index}`);
      if (object?.revision !== listed?.revision) this.#violated(`get and list differ in ns/k${index}`);
    }
  }

  #checkLists(): void {
    for (const { revision, items } of this.#lists) {
      const objects = new Map<string, number>();
      for (const event of this.#eventsBetween(1, revision))
        if (event.isDelete) objects.delete(event.key);
        else objects.set(event.key, event.revision);
      const [first, ...rest] = items;
      const isPage = first?.startsWith('after ') === true;
      const afterKey = isPage ? first.slice('after '.length) : '';
      const state = [...objects].sort().filter(([key]) => key > afterKey);
      const shown = isPage ? rest : items;
      const wanted = state.map(([key, at]) => `${key}@${at}`);
      const expected = isPage && afterKey === '' ? wanted.slice(0, 1) : wanted;
      if (String(shown) !== String(expected))
        this.#violated(`a list at ${revision} ${first ?? ''} showed ${String(shown)} instead of ${String(expected)}`);
    }
  }

  #checkWrites(): void {
    const byId = new Map<string, CommittedEvent[]>();
    for (const event of this.#committed.values()) {
      const id = event.text.split(' ')[0] as string;
      byId.set(id, [...(byId.get(id) ?? []), event]);
    }
    for (const written of this.#writes) {
      const { id, changes, outcome, calledAt, returnedAt } = written;
      const events = byId.get(id) ?? [];
      const isApplied = events.length > 0;
      if (isApplied && events.length !== changes.length) this.#violated(`${id} was applied ${events.length} times`);
      if (isApplied && (outcome?.kind === 'conflict' || outcome?.kind === 'refused'))
        this.#violated(`${id} was refused and applied`);
      const revisions = events.map(({ revision }) => revision).sort((a, b) => a - b);
      if (outcome?.kind === 'written' && String(outcome.revisions) !== String(revisions))
        this.#violated(`${id} was acknowledged with ${String(outcome.revisions)}, applied with ${String(revisions)}`);
      if (outcome?.kind === 'refused' || (outcome === undefined && !isApplied)) continue;
      for (const { key, expect, deletes } of changes) {
        const revision = events.find((event) => event.key === key)?.revision ?? 0;
        const output: KeyAnswer =
          outcome?.kind === 'conflict'
            ? { kind: 'refused', isNamed: outcome.keys.includes(key) }
            : { kind: 'written', revision };
        const input: KeyCall = { kind: 'write', expect, deletes };
        this.#history.push({ key, operation: { input, output, calledAt, returnedAt } });
      }
    }
  }

  #checkKeys(): void {
    const keys = new Set(this.#history.map(({ key }) => key));
    for (const key of keys) {
      const history = this.#history.filter((entry) => entry.key === key).map(({ operation }) => operation);
      const violation = findViolation(history, keyModel);
      if (violation !== undefined) this.#violated(`${key}: ${violation}`);
    }
  }

  #violated(what: string): void {
    this.#report.violations.push(`seed ${this.#options.seed}: ${what}`);
  }
}

function typeOf(event: CommittedEvent): string {
  return event.isDelete ? 'deleted' : event.wasLive ? 'updated' : 'created';
}

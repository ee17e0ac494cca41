import { describe, expect, test } from 'vitest';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { randomFraction, randomInt, seededRandom } from '../../lib/random.js';
import { unpackBody } from '../../lib/store/dynamodb/body.js';
import { HeartbeatStore } from '../../lib/store/dynamodb/heartbeat-store.js';
import { HEARTBEAT_COLLECTION } from '../../lib/store/dynamodb/open.js';
import type { Item } from '../../lib/store/dynamodb/table.js';
import { isStoreError } from '../../lib/store/errors.js';
import { drive } from '../support/drive.js';
import { NO_FAULTS, TableConnection, type Faults } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { findViolation, type Operation, type SequentialModel } from './linearizability.js';

/** STORE_SEEDS=n runs so many of each kind. */
const SEEDS = Number(process.env['STORE_SEEDS'] ?? 30);

/** None is doubled: the client of the tables is told not to repeat requests itself, and the store knows which it has sent again. */
const FAULTS: Faults = {
  throttled: 0.05,
  conflict: 0.05,
  lost: 0.03,
  late: 0.04,
  answerLost: 0.04,
  doubled: 0,
  partial: 0.2,
};

const WORLDS: Record<string, { faults: Faults; killPart: number; skewMaxMs: number }> = {
  'contention without faults': { faults: NO_FAULTS, killPart: 0, skewMaxMs: 0 },
  'faults of every kind': { faults: FAULTS, killPart: 0, skewMaxMs: 0 },
  'faults, deaths and clocks that differ': { faults: FAULTS, killPart: 0.2, skewMaxMs: 400 },
};

type State = number | 'absent';
type Call = { kind: 'read' } | { kind: 'write'; id: string; expect: State; deletes: boolean };
type Answer = { kind: 'object'; revision: State } | { kind: 'written'; revision: number } | { kind: 'conflict' };

/** Each lease by itself is linearizable. `committed`: what a write that nobody heard of would have made, by its id. */
function modelOf(committed: ReadonlyMap<string, number>): SequentialModel<State, Call, Answer> {
  return {
    initial: 'absent',
    apply(state, call, answer) {
      if (call.kind === 'read') return answer?.kind === 'object' && answer.revision === state ? state : undefined;
      if (answer?.kind === 'conflict') return state === call.expect ? undefined : state;
      if (state !== call.expect) return answer === undefined ? state : undefined;
      if (call.deletes) return 'absent';
      return answer?.kind === 'written' ? answer.revision : (committed.get(call.id) ?? state);
    },
    name: String,
  };
}

const PROCESSES = 3;
const CLIENTS = 4;
const CALLS = 14;
const KEYS = ['kube-node-lease/a', 'kube-node-lease/b'];
/** A watch has told everything by then. */
const END_MS = 60_000;

interface Process {
  store: HeartbeatStore;
  kill(): void;
  died: Promise<'died'>;
}

class HeartbeatWorld {
  readonly violations: string[] = [];
  written = 0;
  readonly #random;
  readonly #clock = new FakeClock(undefined, 1);
  readonly #double = new TableDouble({ clock: this.#clock, pageSizeBytes: 700 });
  readonly #options: (typeof WORLDS)[string];
  readonly #processes: Process[];
  readonly #history = new Map<string, Operation<Call, Answer>[]>(KEYS.map((key) => [key, []]));
  readonly #told = new Map<string, State>();
  readonly #committed = new Map<string, number>();
  #ids = 0;
  #now = 0;
  #isOver = false;

  constructor(seed: number, options: (typeof WORLDS)[string]) {
    this.#random = seededRandom(seed);
    this.#options = options;
    this.#double.onCommit = (items) => items.forEach((item) => this.#audit(item));
    this.#processes = Array.from({ length: PROCESSES }, () => this.#start());
  }

  async run(): Promise<void> {
    await drive(this.#clock, this.#live());
    for (const [key, history] of this.#history) {
      const violation = findViolation(history, modelOf(this.#committed));
      if (violation !== undefined) this.violations.push(`${key}: ${violation}`);
    }
  }

  async #live(): Promise<void> {
    void this.#reap();
    const stop = new AbortController();
    const watcher = this.#watch(stop.signal);
    await Promise.all(Array.from({ length: CLIENTS }, () => this.#client()));
    this.#isOver = true;
    await sleep(this.#clock, END_MS);
    const end = new HeartbeatStore({
      table: new TableConnection({ double: this.#double }),
      clock: this.#clock,
      random: this.#random,
      cluster: 'one',
    });
    // What took too long to be told is told with the next renewal, and leases are renewed all the time.
    for (const key of KEYS) {
      const now = (await end.get(HEARTBEAT_COLLECTION, key))?.revision ?? 'absent';
      await end.write(HEARTBEAT_COLLECTION, [
        { key, expect: now, body: (revision) => Buffer.from(`last ${revision}`) },
      ]);
    }
    await sleep(this.#clock, END_MS);
    stop.abort();
    await watcher;
    for (const key of KEYS) {
      const revision = (await end.get(HEARTBEAT_COLLECTION, key))?.revision ?? 'absent';
      const told = this.#told.get(key) ?? 'absent';
      if (told !== revision) this.violations.push(`${key} ends at ${revision}, and the watch has told ${told}`);
    }
  }

  #start(): Process {
    const { skewMaxMs, faults } = this.#options;
    const skewMs = skewMaxMs === 0 ? 0 : randomInt(this.#random, 2 * skewMaxMs) - skewMaxMs;
    const clock: Clock = {
      now: () => this.#clock.now() + skewMs,
      setTimer: (delayMs, callback) => this.#clock.setTimer(delayMs, callback),
    };
    const network = { clock: this.#clock, random: this.#random, latencyMaxMs: 12, lateMaxMs: 4_000, timeoutMs: 1_000 };
    const table = new TableConnection({ double: this.#double, network, faults });
    let die: (value: 'died') => void = () => undefined;
    const died = new Promise<'died'>((resolve) => (die = resolve));
    return {
      store: new HeartbeatStore({ table, clock, random: this.#random, cluster: 'one' }),
      kill() {
        table.kill();
        die('died');
      },
      died,
    };
  }

  async #reap(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#clock, 100);
      if (randomFraction(this.#random) >= this.#options.killPart) continue;
      const index = randomInt(this.#random, PROCESSES);
      this.#processes[index]?.kill();
      this.#processes[index] = this.#start();
    }
  }

  async #client(): Promise<void> {
    const known = new Map<string, State>();
    for (let count = 0; count < CALLS; count++) {
      await sleep(this.#clock, randomInt(this.#random, 40));
      const key = KEYS[randomInt(this.#random, KEYS.length)] as string;
      const process = this.#processes[randomInt(this.#random, PROCESSES)] as Process;
      if (randomInt(this.#random, 10) < 3) await this.#read(process, key, known);
      else await this.#write(process, key, known);
    }
  }

  async #read({ store, died }: Process, key: string, known: Map<string, State>): Promise<void> {
    const calledAt = this.#now++;
    try {
      const found = await Promise.race([store.get(HEARTBEAT_COLLECTION, key), died]);
      if (found === 'died') return;
      const revision = found?.revision ?? 'absent';
      known.set(key, revision);
      this.#note(key, { calledAt, input: { kind: 'read' }, output: { kind: 'object', revision } });
    } catch (error) {
      if (!isStoreError(error, 'unavailable')) throw error;
    }
  }

  async #write({ store, died }: Process, key: string, known: Map<string, State>): Promise<void> {
    const expected = known.get(key) ?? 'absent';
    const deletes = expected !== 'absent' && randomInt(this.#random, 4) === 0;
    const id = `w${this.#ids++}`;
    const call: Call = { kind: 'write', id, expect: expected, deletes };
    const calledAt = this.#now++;
    const body = (revision: number): Uint8Array => Buffer.from(`${id} ${revision}`);
    let answer: Answer | undefined;
    try {
      const operation = { key, expect: expected, body, delete: deletes };
      const revisions = await Promise.race([store.write(HEARTBEAT_COLLECTION, [operation]), died]);
      if (revisions !== 'died') {
        answer = { kind: 'written', revision: revisions[0] as number };
        known.set(key, deletes ? 'absent' : answer.revision);
        this.written++;
      }
    } catch (error) {
      if (isStoreError(error, 'conflict')) {
        answer = { kind: 'conflict' };
        known.delete(key);
      } else if (isStoreError(error, 'unavailable')) return;
      else if (!isStoreError(error, 'unknown')) throw error;
    }
    this.#note(key, { calledAt, input: call, output: answer });
  }

  #audit(item: Item): void {
    if (item['gone'] === true) return;
    const [id = '', revision] = Buffer.from(unpackBody(item)).toString().split(' ');
    this.#committed.set(id, Number(revision));
  }

  #note(key: string, step: Omit<Operation<Call, Answer>, 'returnedAt'>): void {
    const returnedAt = step.output === undefined ? Infinity : this.#now++;
    this.#history.get(key)?.push({ ...step, returnedAt });
  }

  /** Over a connection of its own without faults: the newest state of each lease, in the end. */
  async #watch(signal: AbortSignal): Promise<void> {
    const table = new TableConnection({ double: this.#double });
    const store = new HeartbeatStore({ table, clock: this.#clock, random: this.#random, cluster: 'one' });
    for await (const { events } of store.watch(HEARTBEAT_COLLECTION, await store.revision(), signal))
      for (const { key, revision, type } of events) {
        const before = this.#told.get(key);
        if (typeof before === 'number' && revision < before)
          this.violations.push(`${key}: told ${revision} after ${before}`);
        this.#told.set(key, type === 'deleted' ? 'absent' : revision);
      }
  }
}

describe('leases under faults', () => {
  test.each(Object.entries(WORLDS))('%s', async (_name, options) => {
    let written = 0;
    const violations: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new HeartbeatWorld(seed, options);
      await world.run();
      written += world.written;
      violations.push(...world.violations.map((violation) => `seed ${seed}: ${violation}`));
    }
    expect(violations.slice(0, 5)).toEqual([]);
    expect(written).toBeGreaterThan(SEEDS * 8);
  });
});

import { isStoreError } from '../../lib/store/errors.js';
import { randomInt } from '../../lib/random.js';
import type { Random } from '../../lib/random.js';
import type { Store, WriteOperation } from '../../lib/store/store.js';
import type { Operation, SequentialModel } from './linearizability.js';

/** A call as it is recorded: revisions say all, since bytes are checked against them when they are read. */
export type Call =
  | { kind: 'get'; key: string }
  | { kind: 'list' }
  | { kind: 'revision' }
  | { kind: 'write'; changes: { key: string; expect: number | 'absent'; delete: boolean }[] };

export type Answer =
  | { kind: 'object'; revision: number | 'absent' }
  | { kind: 'objects'; revision: number; revisions: Record<string, number> }
  | { kind: 'revision'; revision: number }
  | { kind: 'written'; revisions: number[] }
  | { kind: 'conflict'; keys: string[] };

export type History = Operation<Call, Answer>[];

/** A collection with one client: what exists with which revision, and the newest revision. */
export interface CollectionModelState {
  revision: number;
  objects: ReadonlyMap<string, number>;
}

export const collectionModel: SequentialModel<CollectionModelState, Call, Answer> = {
  initial: { revision: 1, objects: new Map() },
  apply(state, call, answer) {
    switch (call.kind) {
      case 'get':
        return answer === undefined ||
          (answer.kind === 'object' && answer.revision === (state.objects.get(call.key) ?? 'absent'))
          ? state
          : undefined;
      case 'revision':
        return answer === undefined || (answer.kind === 'revision' && answer.revision === state.revision)
          ? state
          : undefined;
      case 'list':
        return answer === undefined ||
          (answer.kind === 'objects' && answer.revision === state.revision && sameObjects(state, answer.revisions))
          ? state
          : undefined;
      case 'write':
        return applyWrite(state, call.changes, answer);
    }
  },
  name: ({ revision, objects }) => `${revision} ${JSON.stringify([...objects].sort())}`,
};

function applyWrite(
  state: CollectionModelState,
  changes: Extract<Call, { kind: 'write' }>['changes'],
  answer: Answer | undefined,
): CollectionModelState | undefined {
  const failed = changes.filter(({ key, expect }) => (state.objects.get(key) ?? 'absent') !== expect);
  const keys = failed.map(({ key }) => key).sort();
  if (failed.length > 0)
    return answer === undefined || (answer.kind === 'conflict' && String([...answer.keys].sort()) === String(keys))
      ? state
      : undefined;
  const revisions = changes.map((_, index) => state.revision + 1 + index);
  if (answer !== undefined && (answer.kind !== 'written' || String(answer.revisions) !== String(revisions)))
    return undefined;
  const objects = new Map(state.objects);
  changes.forEach((change, index) => {
    if (change.delete) objects.delete(change.key);
    else objects.set(change.key, revisions[index] as number);
  });
  return { revision: state.revision + changes.length, objects };
}

function sameObjects(state: CollectionModelState, revisions: Record<string, number>): boolean {
  const entries = Object.entries(revisions);
  return entries.length === state.objects.size && entries.every(([key, value]) => state.objects.get(key) === value);
}

export interface WorkloadOptions {
  store: Store;
  collection: string;
  random: Random;
  clients: number;
  callsPerClient: number;
  keys: number;
}

/** Lets clients do random things to a few keys, each what it last saw of them, and records what they called and heard. */
export async function recordHistory(options: WorkloadOptions): Promise<History> {
  const { random, clients, callsPerClient } = options;
  const history: History = [];
  let now = 0;
  const client = async (): Promise<void> => {
    const known = new Map<string, number | 'absent'>();
    for (let count = 0; count < callsPerClient; count++) {
      for (let turns = randomInt(random, 4); turns > 0; turns--) await turn(random);
      const call = randomCall(options, known);
      const operation: Operation<Call, Answer> = {
        input: call,
        output: undefined,
        calledAt: now++,
        returnedAt: Infinity,
      };
      history.push(operation);
      operation.output = await perform(options, call);
      operation.returnedAt = now++;
      remember(known, call, operation.output);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return history;
}

/** A microtask or a turn of the event loop. */
async function turn(random: Random): Promise<void> {
  if (randomInt(random, 3) > 0) return;
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function randomCall({ random, keys }: WorkloadOptions, known: Map<string, number | 'absent'>): Call {
  const keyName = (): string => `ns/k${randomInt(random, keys)}`;
  const dice = randomInt(random, 10);
  if (dice < 3) return { kind: 'get', key: keyName() };
  if (dice === 3) return { kind: 'list' };
  if (dice === 4) return { kind: 'revision' };
  const names = new Set(Array.from({ length: dice === 9 ? 1 + randomInt(random, 3) : 1 }, keyName));
  const changes = [...names].map((key) => {
    const expect = known.get(key) ?? 'absent';
    return { key, expect, delete: expect !== 'absent' && randomInt(random, 3) === 0 };
  });
  return { kind: 'write', changes };
}

function remember(known: Map<string, number | 'absent'>, call: Call, answer: Answer): void {
  if (call.kind === 'get' && answer.kind === 'object') known.set(call.key, answer.revision);
  if (call.kind === 'list' && answer.kind === 'objects') {
    known.clear();
    for (const [key, revision] of Object.entries(answer.revisions)) known.set(key, revision);
  }
  if (call.kind === 'write' && answer.kind === 'written')
    call.changes.forEach((change, index) =>
      known.set(change.key, change.delete ? 'absent' : (answer.revisions[index] as number)),
    );
}

async function perform({ store, collection }: WorkloadOptions, call: Call): Promise<Answer> {
  switch (call.kind) {
    case 'get': {
      const object = await store.get(collection, call.key);
      if (object !== undefined) assertBody(object.key, object.revision, object.body);
      return { kind: 'object', revision: object?.revision ?? 'absent' };
    }
    case 'revision':
      return { kind: 'revision', revision: await store.revision(collection) };
    case 'list': {
      const { items, revision } = await store.list(collection);
      for (const object of items) assertBody(object.key, object.revision, object.body);
      return {
        kind: 'objects',
        revision,
        revisions: Object.fromEntries(items.map((object) => [object.key, object.revision])),
      };
    }
    case 'write':
      try {
        return { kind: 'written', revisions: await store.write(collection, call.changes.map(toOperation)) };
      } catch (error) {
        if (isStoreError(error, 'conflict')) return { kind: 'conflict', keys: [...error.keys] };
        throw error;
      }
  }
}

function toOperation(change: { key: string; expect: number | 'absent'; delete: boolean }): WriteOperation {
  return { ...change, body: (revision) => Buffer.from(`${change.key}@${revision}`) };
}

function assertBody(key: string, revision: number, body: Uint8Array): void {
  const text = Buffer.from(body).toString();
  if (text !== `${key}@${revision}`) throw new Error(`${key} at ${revision} holds ${text}`);
}

import { Dice } from './dice.js';

/** Chances of one request of a component or a node to go wrong, each between 0 and 1. */
export interface RequestFaults {
  /** It never arrives. */
  lost: number;
  /** It is applied and its answer never arrives: what a crash between two writes looks like. */
  answerLost: number;
  /** It arrives late, perhaps after its sender has died. */
  late: number;
  /** 429 or 503 instead of an answer; nothing is applied. */
  refused: number;
  /** 409 for a write that states what it expects, as if another writer had been faster. */
  conflict: number;
  /** The stream of a watch ends early: cleanly, in the middle of an event, or with an error. */
  watchBreaks: number;
  /** The events of a watch come late, all that time. */
  watchLags: number;
}

/** Chances of one message. */
export interface MessageFaults {
  lost: number;
  doubled: number;
  delayed: number;
}

/** Chances of one call of the store. */
export interface StoreFaults {
  /** It takes a moment, in which others write. */
  slow: number;
  /** Throttled: nothing is written. */
  unavailable: number;
  /** The write is made or not, and nobody is told which. */
  unknown: number;
}

/** What a seed has in store. Each seed has some kinds of faults and not others, so that none hides what another would show. */
export interface Plan {
  seed: number;
  /** Where objects are: in memory, or behind the DynamoDB adapter on a double of its tables, with faults of their own. */
  storage: 'memory' | 'dynamodb';
  nodeCount: number;
  requests: RequestFaults;
  messages: MessageFaults;
  store: StoreFaults;
  /** How long the change log reaches back: what was away for longer gets 410. */
  retentionMs: number;
  /** How often the control plane dies and starts again. */
  crashes: number;
  /** Nodes that lose power, their network, or only their agent. */
  nodeFailures: number;
  /** How long users and faults are at work. */
  stormMs: number;
  /** What users do in that time. */
  actions: number;
}

const NODES = 50;
const STORM_MS = 150_000;
const ACTIONS = 50;

export function planOf(seed: number, storage: Plan['storage'] = 'memory'): Plan {
  const dice = new Dice(seed, 0);
  const some = <T extends object>(faults: T): T =>
    Object.fromEntries(
      Object.entries(faults).map(([name, chance]) => [name, dice.chance(0.6) ? chance * dice.pick([1, 1, 3]) : 0]),
    ) as T;
  return {
    seed,
    storage,
    nodeCount: NODES,
    requests: some({
      lost: 0.015,
      answerLost: 0.015,
      late: 0.02,
      refused: 0.02,
      conflict: 0.03,
      watchBreaks: 0.2,
      watchLags: 0.2,
    }),
    messages: some({ lost: 0.05, doubled: 0.05, delayed: 0.05 }),
    store: some({ slow: 0.02, unavailable: 0.005, unknown: 0.005 }),
    // Voids need proof that is well within the retention, and grace periods pass meanwhile.
    retentionMs: storage === 'dynamodb' ? dice.pick([120_000, 600_000]) : dice.pick([5_000, 30_000, 600_000]),
    crashes: dice.chance(0.6) ? dice.between(1, 3) : 0,
    nodeFailures: dice.chance(0.7) ? dice.between(1, 8) : 0,
    stormMs: STORM_MS,
    actions: ACTIONS,
  };
}

import { findLateness } from './calm.js';
import { checkers } from './checkers/index.js';
import { ClusterState } from './checkers/cluster-state.js';
import type { Defect } from './defects.js';
import { Dice } from './dice.js';
import { disturb } from './disturbances.js';
import { History } from './history.js';
import { planOf, type Plan } from './plan.js';
import { Trace } from './trace.js';
import { prepare, runScript, settleDown } from './workload/script.js';
import { User } from './workload/user.js';
import { World } from './world.js';

const USER_PART = 7;

/** Time goes on in such steps; between them it is asked whether all is well. */
const STEP_MS = 20_000;

/** After the storm all has to be well within this, several resyncs and repairs included. */
const QUIET_MAX_MS = 1_200_000;

/** A node that comes back in calm weather is at work again within this. */
const RECOVERY_MAX_MS = 100_000;

const RESYNC_STEP_MS = 1_000;
const RESYNC_AWAITED_MAX_MS = 240_000;

/** What users do has to be done within this. */
const SCRIPT_MAX_MS = 3_600_000;

export interface Outcome {
  seed: number;
  /** What is wrong; empty when the seed passes. */
  problems: readonly string[];
  digest: string;
  trace: Trace;
  /** Simulated time until all was well, from the end of the storm. */
  quietAfterMs: number;
}

export interface RunOptions {
  defect?: Defect;
  isTraced?: boolean;
  isDigested?: boolean;
  /** Default: memory. */
  storage?: Plan['storage'];
}

/** Lives through one seed: a cluster starts, users and faults are at work, then only the cluster is, until all is as was asked for. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const trace = new Trace(options.isTraced ?? false);
  const plan = planOf(seed, options.storage);
  trace.add('plan', JSON.stringify(plan));
  const world = new World(plan, trace, options.defect);
  trace.clock = world.clock;
  const history = new History(world, options.isDigested ?? false);
  const user = new User({ client: world.admin, clock: world.clock, dice: new Dice(seed, USER_PART), trace });

  let problems: string[] = [];
  let quietAfterMs = 0;
  try {
    await liveThroughStorm(world, user);
    const overMs = world.clock.now();
    problems = await converge(world, user, QUIET_MAX_MS);
    quietAfterMs = world.clock.now() - overMs;
    if (problems.length === 0) {
      await awaitResync(world, overMs);
      problems = await advanceUntil(world, findLateness(world, user));
    }
    if (problems.length === 0) {
      await advanceUntil(world, Promise.all([...world.machines.values()].map((machine) => machine.start())));
      problems = await converge(world, user, RECOVERY_MAX_MS);
    }
    await advanceUntil(world, world.stop());
    if (world.clock.pendingTimers > 0) problems.push(`${world.clock.pendingTimers} timers outlive everything`);
  } catch (error) {
    problems.push(`the simulation failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    seed,
    problems: [...history.problems, ...world.follower.problems, ...problems],
    digest: history.digest(),
    trace,
    quietAfterMs,
  };
}

/** Lets time go on until all is well. Returns what is not, when the time is over. */
async function converge(world: World, user: User, limitMs: number): Promise<string[]> {
  const endMs = world.clock.now() + limitMs;
  for (;;) {
    await world.clock.advance(STEP_MS);
    // Behind a network even a look takes time.
    const looking = findProblems(world, user);
    const problems = await (world.plan.storage === 'memory' ? looking : advanceUntil(world, looking));
    if (problems.length === 0 || world.clock.now() >= endMs) return problems;
  }
}

/** What the storm has swept away is only asked for again by a resync after it; the next one is far enough away then. */
async function awaitResync(world: World, overMs: number): Promise<void> {
  const endMs = world.clock.now() + RESYNC_AWAITED_MAX_MS;
  while (world.lastResyncMs <= overMs && world.clock.now() < endMs) await world.clock.advance(RESYNC_STEP_MS);
}

async function liveThroughStorm(world: World, user: User): Promise<void> {
  await advanceUntil(world, world.startControlPlane());
  await advanceUntil(world, Promise.all([...world.machines.values()].map((machine) => machine.start())));
  world.follower.start();
  await advanceUntil(world, prepare(user));
  world.weather.isStormy = true;
  world.clock.setTimer(world.plan.stormMs, () => {
    world.weather.isStormy = false;
    world.trace.add('world', 'the storm is over');
  });
  await advanceUntil(world, Promise.all([runScript(user, world), disturb(world, user)]));
  await advanceUntil(world, settleDown(user));
}

async function findProblems(world: World, user: User): Promise<string[]> {
  const state = await ClusterState.read(world, user);
  return Object.entries(checkers).flatMap(([name, check]) => check(state).map((problem) => `${name}: ${problem}`));
}

/** Lets time go on until something is done. */
async function advanceUntil<T>(world: World, done: Promise<T>): Promise<T> {
  let isDone = false;
  let failure: unknown;
  done.then(
    () => (isDone = true),
    (error: unknown) => {
      isDone = true;
      failure = error;
    },
  );
  const limitMs = world.clock.now() + SCRIPT_MAX_MS;
  await world.clock.advance(0);
  while (!isDone) {
    if (world.clock.now() >= limitMs) throw new Error('the script of the seed does not end');
    await world.clock.advance(Math.max(0, (world.clock.nextTimerMs ?? Infinity) - world.clock.now()));
  }
  if (failure !== undefined) throw failure;
  return done;
}

import type { Checker } from './cluster-state.js';

/** Nothing is being done, and what waits for its time is no more than the present objects explain. */
export const workIsDone: Checker = (state) => {
  const { controlPlane, clock, machines } = state.world;
  if (controlPlane === undefined) return ['there is no control plane'];
  const problems: string[] = [];
  if (!controlPlane.idle) problems.push('the work queue does not run empty');
  let objects = 0;
  for (const all of state.collections.values()) objects += all.length;
  if (controlPlane.delayedCount > objects)
    problems.push(`${controlPlane.delayedCount} messages wait for their time, with ${objects} objects`);
  const explained =
    controlPlane.delayedCount + machines.size * TIMERS_PER_MACHINE + 2 * state.collections.size + TIMERS_OF_ALL;
  if (clock.pendingTimers > explained)
    problems.push(`${clock.pendingTimers} timers are pending, ${explained} are explained`);
  return problems;
};

/** The heartbeat, and the time-outs of its watches. */
const TIMERS_PER_MACHINE = 4;

/** Rounds of the control plane, watches of kinds without objects, pods that wait for their next start. */
const TIMERS_OF_ALL = 200;

import { sleep } from '../../../lib/clock/clock.js';
import type { World } from '../world.js';
import type { Action } from './action.js';
import { daemonSetActions } from './daemon-sets.js';
import { deploymentActions, resumeDeployments } from './deployments.js';
import { jobActions, suspendCronJobs } from './jobs.js';
import { createNamespaces, namespaceActions } from './namespaces.js';
import { labelNodes, nodeActions, openNodes } from './nodes.js';
import { replicationControllerActions } from './replication-controllers.js';
import { serviceActions } from './services.js';
import { statefulSetActions } from './stateful-sets.js';
import type { User } from './user.js';

const ACTIONS: readonly Action[] = [
  ...deploymentActions,
  ...statefulSetActions,
  ...replicationControllerActions,
  ...daemonSetActions,
  ...jobActions,
  ...serviceActions,
  ...namespaceActions,
  ...nodeActions,
];

const WEIGHTED: readonly Action[] = ACTIONS.flatMap((action) => Array.from({ length: action.weight }, () => action));

/** Before the storm. */
export async function prepare(user: User): Promise<void> {
  await createNamespaces(user);
  await labelNodes(user);
}

/** What users do during the storm, one thing after the other, in the time they have. */
export async function runScript(user: User, world: World): Promise<void> {
  const { actions, stormMs } = world.plan;
  const endMs = world.clock.now() + stormMs;
  while (world.clock.now() < endMs) {
    await user.dice.pick(WEIGHTED).run(user, world);
    await sleep(world.clock, user.dice.between(0, (2 * stormMs) / actions));
  }
}

/** After the storm: nobody asks for anything new. */
export async function settleDown(user: User): Promise<void> {
  await user.backgroundDone();
  await suspendCronJobs(user);
  await resumeDeployments(user);
  await openNodes(user);
}

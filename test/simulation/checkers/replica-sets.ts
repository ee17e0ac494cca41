import { pods, replicaSets, replicationControllers } from '../../../lib/client/resources.js';
import type { V1ReplicaSet, V1ReplicationController } from '../../../lib/schema/generated/types.js';
import type { Checker, ClusterState } from './cluster-state.js';
import { checkPods, nameOf } from './pods.js';

/** A replica set, of a deployment or left behind by one, has exactly its pods. */
export const replicaSetsConverged: Checker = (state) => state.of(replicaSets).flatMap((one) => check(state, one));

export const replicationControllersConverged: Checker = (state) =>
  state.of(replicationControllers).flatMap((one) => check(state, one));

function check(state: ClusterState, owner: V1ReplicaSet | V1ReplicationController): string[] {
  const replicas = owner.spec?.replicas ?? 1;
  const { readyReplicas = 0, observedGeneration } = owner.status ?? {};
  const problems = checkPods(owner, state.controlledBy(pods, owner), { replicas });
  if (observedGeneration !== owner.metadata?.generation)
    problems.push(`${nameOf(owner)} was not looked at since its change`);
  if (readyReplicas !== replicas) problems.push(`${nameOf(owner)} says ${readyReplicas} of ${replicas} are ready`);
  return problems;
}

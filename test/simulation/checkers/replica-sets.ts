import { pods, replicaSets } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { checkPods, nameOf } from './pods.js';

/** A replica set, of a deployment or left behind by one, has exactly its pods. */
export const replicaSetsConverged: Checker = (state) =>
  state.of(replicaSets).flatMap((replicaSet) => {
    const replicas = replicaSet.spec?.replicas ?? 1;
    const problems = checkPods(replicaSet, state.controlledBy(pods, replicaSet), { replicas });
    if (replicaSet.status?.observedGeneration !== replicaSet.metadata?.generation) {
      problems.push(`${nameOf(replicaSet)} was not looked at since its change`);
    }
    if ((replicaSet.status?.readyReplicas ?? 0) !== replicas) {
      problems.push(`${nameOf(replicaSet)} says ${replicaSet.status?.readyReplicas ?? 0} of ${replicas} are ready`);
    }
    return problems;
  });

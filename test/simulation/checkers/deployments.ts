import { deployments, pods, replicaSets } from '../../../lib/client/resources.js';
import type { V1Deployment } from '../../../lib/schema/generated/types.js';
import type { Checker, ClusterState } from './cluster-state.js';
import { checkPods, imagesOf, nameOf } from './pods.js';

const HISTORY_DEFAULT = 10;

/** A deployment has one replica set with all its pods, of the template asked for; old ones are empty and not too many. */
export const deploymentsConverged: Checker = (state) =>
  state.of(deployments).flatMap((deployment) => check(state, deployment));

function check(state: ClusterState, deployment: V1Deployment): string[] {
  const { spec, status, metadata } = deployment;
  const title = nameOf(deployment);
  const owned = state.controlledBy(replicaSets, deployment);
  const replicas = spec?.replicas ?? 1;
  const problems: string[] = [];
  if (status?.observedGeneration !== metadata?.generation) problems.push(`${title} was not looked at since its change`);
  const image = imagesOf(spec?.template ?? {});
  problems.push(
    ...checkPods(
      deployment,
      owned.flatMap((replicaSet) => state.controlledBy(pods, replicaSet)),
      { replicas, image },
    ),
  );
  if ((status?.availableReplicas ?? 0) !== replicas) {
    problems.push(`${title} says ${status?.availableReplicas ?? 0} of ${replicas} are available`);
  }
  const current = owned.filter((replicaSet) => imagesOf(replicaSet.spec?.template ?? {}) === image);
  if (current.length !== 1) problems.push(`${title} has ${current.length} replica sets of its template`);
  if ((status?.updatedReplicas ?? 0) !== replicas) {
    problems.push(`${title} says ${status?.updatedReplicas ?? 0} of ${replicas} are updated`);
  }
  const kept = owned.length - current.length;
  if (kept > (spec?.revisionHistoryLimit ?? HISTORY_DEFAULT)) {
    problems.push(`${title} keeps ${kept} old replica sets, more than its limit`);
  }
  return problems;
}

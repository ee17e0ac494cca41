import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { checkPods, hasEnded, imagesOf, nameOf } from './pods.js';

/** A stateful set has the pods 0 to n - 1, all of its newest revision. */
export const statefulSetsConverged: Checker = (state) =>
  state.of(statefulSets).flatMap((set) => {
    const replicas = set.spec?.replicas ?? 1;
    const owned = state.controlledBy(pods, set);
    const problems = checkPods(set, owned, { replicas, image: imagesOf(set.spec?.template ?? {}) });
    const names = owned.filter((pod) => !hasEnded(pod)).map(({ metadata }) => metadata?.name);
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const name = `${set.metadata?.name}-${ordinal}`;
      if (!names.includes(name)) problems.push(`${nameOf(set)} lacks its pod ${name}`);
    }
    const { currentRevision, updateRevision, readyReplicas = 0, observedGeneration } = set.status ?? {};
    if (observedGeneration !== set.metadata?.generation)
      problems.push(`${nameOf(set)} was not looked at since its change`);
    if (readyReplicas !== replicas) problems.push(`${nameOf(set)} says ${readyReplicas} of ${replicas} are ready`);
    if (replicas > 0 && currentRevision !== updateRevision) problems.push(`${nameOf(set)} has not finished its update`);
    const revisions = state.controlledBy(controllerRevisions, set);
    if (!revisions.some(({ metadata }) => metadata?.name === updateRevision)) {
      problems.push(`${nameOf(set)} has no revision ${updateRevision}`);
    }
    const claims = state
      .of(persistentVolumeClaims)
      .filter(
        ({ metadata }) =>
          metadata?.namespace === set.metadata?.namespace && metadata?.labels?.app === set.metadata?.name,
      );
    if (set.spec?.volumeClaimTemplates === undefined) return problems;
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const name = `data-${set.metadata?.name}-${ordinal}`;
      if (!claims.some(({ metadata }) => metadata?.name === name))
        problems.push(`${nameOf(set)} lacks its claim ${name}`);
    }
    // One whose pod was gone before it was not wanted any more stays until the set goes, as in Kubernetes.
    for (const { metadata } of claims) {
      const owner = metadata?.ownerReferences?.[0]?.uid;
      if (owner !== set.metadata?.uid) problems.push(`claim ${metadata?.name} does not go with ${nameOf(set)}`);
    }
    return problems;
  });

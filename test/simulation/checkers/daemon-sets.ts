import { daemonSets, nodes, pods } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { checkPods, imagesOf, nameOf } from './pods.js';

/** A daemon set has one pod on each node of its pool. All nodes are open when this is asked. */
export const daemonSetsConverged: Checker = (state) =>
  state.of(daemonSets).flatMap((set) => {
    const selector = Object.entries(set.spec?.template.spec?.nodeSelector ?? {});
    const wanted = state
      .of(nodes)
      .filter(({ metadata }) => selector.every(([key, value]) => metadata?.labels?.[key] === value))
      .map(({ metadata }) => metadata?.name ?? '');
    const owned = state.controlledBy(pods, set);
    const problems = checkPods(set, owned, { replicas: wanted.length, image: imagesOf(set.spec?.template ?? {}) });
    for (const name of wanted) {
      if (!owned.some(({ spec }) => spec?.nodeName === name)) problems.push(`${nameOf(set)} has no pod on ${name}`);
    }
    const { observedGeneration, numberAvailable = 0, desiredNumberScheduled } = set.status ?? {};
    if (observedGeneration !== set.metadata?.generation)
      problems.push(`${nameOf(set)} was not looked at since its change`);
    if (desiredNumberScheduled !== wanted.length || numberAvailable !== wanted.length) {
      problems.push(`${nameOf(set)} says ${numberAvailable} of ${desiredNumberScheduled} are available`);
    }
    return problems;
  });

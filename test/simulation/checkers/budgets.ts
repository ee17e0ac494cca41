import { podDisruptionBudgets, pods } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { hasEnded, isReady, nameOf } from './pods.js';

/** A budget counts the pods that there are. All of ours allow one to be missing. */
export const budgetsAreCounted: Checker = (state) =>
  state.of(podDisruptionBudgets).flatMap((budget) => {
    const labels = Object.entries(budget.spec?.selector?.matchLabels ?? {});
    const selected = state
      .of(pods)
      .filter(({ metadata }) => metadata?.namespace === budget.metadata?.namespace)
      .filter(({ metadata }) => labels.every(([key, value]) => metadata?.labels?.[key] === value))
      .filter((pod) => !hasEnded(pod));
    const healthy = selected.filter(isReady).length;
    const { currentHealthy, expectedPods, disruptionsAllowed, observedGeneration } = budget.status ?? {};
    const problems: string[] = [];
    if (observedGeneration !== budget.metadata?.generation) problems.push(`${nameOf(budget)} was not looked at`);
    if (currentHealthy !== healthy)
      problems.push(`${nameOf(budget)} says ${currentHealthy} pods are healthy, ${healthy} are`);
    const owned = selected.filter(({ metadata }) => metadata?.ownerReferences !== undefined);
    // What belongs to nobody, or is left behind by its owner, is not expected by a budget in proportions.
    if (owned.length < selected.length) return problems;
    if (expectedPods !== selected.length) {
      problems.push(`${nameOf(budget)} expects ${expectedPods} pods instead of ${selected.length}`);
    }
    const allowed = selected.length === 0 ? 0 : 1;
    if (disruptionsAllowed !== allowed) {
      problems.push(`${nameOf(budget)} allows ${disruptionsAllowed} disruptions instead of ${allowed}`);
    }
    return problems;
  });

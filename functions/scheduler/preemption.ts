import { matchesLabelSelector } from '../../lib/api/label-selector-match.js';
import type { V1PodDisruptionBudget } from '../../lib/schema/generated/types.js';
import { availability, type FitError } from './fit-error.js';
import type { NodeInfo } from './node-info.js';
import { misfit, type Plugins } from './node-ranking.js';
import type { PodInfo } from './pod-info.js';

export interface PreemptionPlan {
  node: NodeInfo;
  victims: PodInfo[];
}

interface Candidate extends PreemptionPlan {
  violations: number;
}

/** Nodes looked at for one pod: a tenth of the cluster, and never fewer than this, as kube-scheduler's DefaultPreemption does. */
const CANDIDATES_MIN = 100;
const CANDIDATES_FRACTION = 0.1;

/**
 * Which pods of lower priority to evict, and from which node, so that `pod` fits; or why that is no help. Rules and words are
 * DefaultPreemption's: as few budget violations as possible, then the lowest highest priority, the lowest sum, the fewest victims,
 * the latest start.
 */
export function planPreemption(
  plugins: Plugins,
  pod: PodInfo,
  failure: FitError,
  node: (name: string) => NodeInfo | undefined,
  budgets: readonly V1PodDisruptionBudget[],
): PreemptionPlan | { message: string } {
  if (pod.pod.spec?.preemptionPolicy === 'Never') {
    return { message: 'preemption: not eligible due to preemptionPolicy=Never.' };
  }
  const nominated = pod.pod.status?.nominatedNodeName;
  const waitsFor = nominated === undefined ? undefined : node(nominated);
  if (
    waitsFor !== undefined &&
    [...waitsFor.pods.values()].some((one) => isLeaving(one) && one.priority < pod.priority)
  ) {
    return { message: 'preemption: not eligible due to a terminating pod on the nominated node.' };
  }
  const reasons = new Map<string, number>();
  const count = (reason: string, by = 1): unknown => reasons.set(reason, (reasons.get(reason) ?? 0) + by);
  const unhelpful = failure.nodeCount - failure.resolvable.length;
  if (unhelpful > 0) count('Preemption is not helpful for scheduling', unhelpful);
  const wanted = Math.max(CANDIDATES_MIN, Math.ceil(failure.nodeCount * CANDIDATES_FRACTION));
  const candidates: Candidate[] = [];
  for (const one of failure.resolvable) {
    const found = victimsOn(plugins, pod, one, budgets);
    if ('victims' in found) candidates.push(found);
    else for (const reason of found.reasons) count(reason);
    if (candidates.length >= wanted) break;
  }
  const best = candidates.reduce<Candidate | undefined>(
    (least, one) => (least === undefined || compare(one, least) < 0 ? one : least),
    undefined,
  );
  return best ?? { message: `preemption: ${availability(failure.nodeCount, reasons)}` };
}

function isLeaving(info: PodInfo): boolean {
  return info.pod.metadata?.deletionTimestamp !== undefined;
}

function victimsOn(
  plugins: Plugins,
  pod: PodInfo,
  node: NodeInfo,
  budgets: readonly V1PodDisruptionBudget[],
): Candidate | { reasons: readonly string[] } {
  const lower = [...node.pods.values()].filter((one) => one.priority < pod.priority);
  if (lower.length === 0) return { reasons: ['No preemption victims found for incoming pod'] };
  const remaining = node.without(new Set(lower.map((one) => one.uid)));
  const found = misfit(plugins, pod, remaining);
  if (found !== undefined) return { reasons: found.reasons };
  // Put back as many as possible, those first whose eviction would break a budget, then by importance.
  const breaking = breakBudgets(lower, budgets);
  lower.sort(
    (one, other) => Number(breaking.has(other.uid)) - Number(breaking.has(one.uid)) || byImportance(one, other),
  );
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const one of lower) {
    remaining.add(one);
    if (misfit(plugins, pod, remaining) === undefined) continue;
    remaining.remove(one.uid);
    victims.push(one);
    if (breaking.has(one.uid)) violations++;
  }
  victims.sort(byImportance);
  return { node, victims, violations };
}

/** Higher priority first, then the longer running. */
function byImportance(one: PodInfo, other: PodInfo): number {
  return other.priority - one.priority || startOf(one).localeCompare(startOf(other));
}

function startOf(info: PodInfo): string {
  return info.pod.status?.startTime ?? info.pod.metadata?.creationTimestamp ?? '';
}

/** The pods that a budget has no allowance left for, taking them in the order given. */
function breakBudgets(candidates: readonly PodInfo[], budgets: readonly V1PodDisruptionBudget[]): Set<string> {
  const breaking = new Set<string>();
  const allowed = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  for (const info of [...candidates].sort(byImportance)) {
    const { namespace, labels = {}, name = '' } = info.pod.metadata ?? {};
    for (const budget of budgets) {
      if (budget.metadata?.namespace !== namespace || !matchesLabelSelector(budget.spec?.selector, labels)) continue;
      if (budget.status?.disruptedPods?.[name] !== undefined) continue;
      const left = (allowed.get(budget) ?? 0) - 1;
      allowed.set(budget, left);
      if (left < 0) breaking.add(info.uid);
    }
  }
  return breaking;
}

function compare(one: Candidate, other: Candidate): number {
  const highest = (plan: Candidate): number => plan.victims[0]?.priority ?? 0;
  const sum = (plan: Candidate): number => plan.victims.reduce((total, victim) => total + victim.priority + 2 ** 31, 0);
  const start = (plan: Candidate): string =>
    plan.victims
      .filter((victim) => victim.priority === highest(plan))
      .reduce((least, victim) => (least === '' || startOf(victim) < least ? startOf(victim) : least), '');
  return (
    one.violations - other.violations ||
    highest(one) - highest(other) ||
    sum(one) - sum(other) ||
    one.victims.length - other.victims.length ||
    start(other).localeCompare(start(one))
  );
}

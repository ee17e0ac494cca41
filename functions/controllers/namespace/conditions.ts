import { formatTime } from '../../../lib/clock/clock.js';
import type { V1NamespaceCondition } from '../../../lib/schema/generated/types.js';
import { errorMessage } from '../shared/pod-control.js';
import type { Remains } from './content.js';

/** What a round of deletion has come to. */
export interface Findings {
  discoveryFailures: ReadonlyMap<string, unknown>;
  contentErrors: unknown[];
  remains: readonly Remains[];
}

type Verdict = { reason: string; message: string };

/** The conditions of a Terminating namespace in Kubernetes' order, with what each says while there is nothing to complain about. */
const FINE = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  ['NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  [
    'NamespaceDeletionContentFailure',
    'ContentDeleted',
    'All content successfully deleted, may be waiting on finalization',
  ],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentRemoved', 'All content successfully removed'],
] as const;

/** The conditions that tell of the findings; times of those that keep their status are kept. */
export function conditionsFor(
  findings: Findings,
  present: readonly V1NamespaceCondition[],
  nowMs: number,
): V1NamespaceCondition[] {
  const problems = problemsOf(findings);
  const ours = FINE.map(([type, reason, message]): V1NamespaceCondition => {
    const problem = problems[type];
    const status = problem === undefined ? 'False' : 'True';
    const before = present.find((condition) => condition.type === type);
    const lastTransitionTime =
      before?.status === status && before.lastTransitionTime !== undefined
        ? before.lastTransitionTime
        : formatTime(nowMs);
    return { type, status, lastTransitionTime, ...(problem ?? { reason, message }) };
  });
  const others = present.filter(({ type }) => !FINE.some(([own]) => own === type));
  return [...others, ...ours];
}

function problemsOf({ discoveryFailures, contentErrors, remains }: Findings): Record<string, Verdict> {
  const problems: Record<string, Verdict> = {};
  if (discoveryFailures.size > 0) {
    const failed = [...discoveryFailures].map(([version, error]) => `${version}: ${errorMessage(error)}`);
    const list = failed.toSorted().join(', ');
    problems['NamespaceDeletionDiscoveryFailure'] = {
      reason: 'DiscoveryFailed',
      message: `Discovery failed for some groups, ${discoveryFailures.size} failing: unable to retrieve the complete list of server APIs: ${list}`,
    };
  }
  if (contentErrors.length > 0) {
    const list = contentErrors.map(errorMessage).toSorted().join(', ');
    problems['NamespaceDeletionContentFailure'] = {
      reason: 'ContentDeletionFailed',
      message: `Failed to delete all resource types, ${contentErrors.length} remaining: ${list}`,
    };
  }
  const left = remains.filter(({ count }) => count > 0);
  if (left.length > 0) {
    const list = left.map(
      ({ resource, count }) => `${resource.plural}.${resource.group} has ${count} resource instances`,
    );
    problems['NamespaceContentRemaining'] = {
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${list.toSorted().join(', ')}`,
    };
  }
  const byFinalizer = new Map<string, number>();
  for (const [finalizer, count] of left.flatMap(({ finalizers }) => [...finalizers])) {
    byFinalizer.set(finalizer, (byFinalizer.get(finalizer) ?? 0) + count);
  }
  if (byFinalizer.size > 0) {
    const list = [...byFinalizer].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
    problems['NamespaceFinalizersRemaining'] = {
      reason: 'SomeFinalizersRemain',
      message: `Some content in the namespace has finalizers remaining: ${list.toSorted().join(', ')}`,
    };
  }
  return problems;
}

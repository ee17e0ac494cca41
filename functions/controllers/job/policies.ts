import type {
  V1ContainerStatus,
  V1Job,
  V1Pod,
  V1PodFailurePolicyOnExitCodesRequirement,
  V1PodFailurePolicyRule,
} from '../../../lib/schema/generated/types.js';
import { keyOf } from '../../../lib/client/client.js';
import { IndexSet } from './index-set.js';

/** What a Job's podFailurePolicy says of a failed pod. */
export interface FailureVerdict {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** For FailJob: why. */
  readonly message: string;
}

/** The action of the first rule that matches; a failure that no rule names counts towards the back-off limit. */
export function judgeFailure(job: V1Job, pod: V1Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const match = matchRule(rule, pod);
    if (match === undefined) continue;
    const { action } = rule;
    if (action !== 'FailJob' && action !== 'FailIndex' && action !== 'Ignore' && action !== 'Count') continue;
    return { action, message: `${match} matching ${action} rule at index ${index}` };
  }
  return { action: 'Count', message: '' };
}

function matchRule({ onExitCodes, onPodConditions }: V1PodFailurePolicyRule, pod: V1Pod): string | undefined {
  if (onExitCodes !== undefined) {
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
    const container = [...containerStatuses, ...initContainerStatuses].find((one) => matchExitCode(onExitCodes, one));
    if (container === undefined) return undefined;
    const exitCode = container.state?.terminated?.exitCode;
    return `Container ${container.name} for pod ${keyOf(pod)} failed with exit code ${exitCode}`;
  }
  const condition = (pod.status?.conditions ?? []).find(({ type, status }) =>
    onPodConditions?.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  );
  return condition === undefined ? undefined : `Pod ${keyOf(pod)} has condition ${condition.type}`;
}

function matchExitCode(rule: V1PodFailurePolicyOnExitCodesRequirement, container: V1ContainerStatus): boolean {
  const exitCode = container.state?.terminated?.exitCode;
  if (exitCode === undefined || exitCode === 0) return false;
  if (rule.containerName !== undefined && rule.containerName !== container.name) return false;
  if (rule.operator === 'In') return rule.values.includes(exitCode);
  return rule.operator === 'NotIn' && !rule.values.includes(exitCode);
}

/** Says which rule of the Job's successPolicy the succeeded indexes meet. */
export function matchSuccessPolicy(job: V1Job, succeeded: IndexSet): string | undefined {
  if (succeeded.size === 0) return undefined;
  for (const [index, { succeededIndexes, succeededCount }] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const message = `Matched rules at index ${index}`;
    if (succeededIndexes === undefined) {
      if (succeededCount !== undefined && succeeded.size >= succeededCount) return message;
      continue;
    }
    const required = IndexSet.parse(succeededIndexes, job.spec?.completions ?? 0);
    const met = required.overlap(succeeded);
    if (required.size > 0 && (met === required.size || (succeededCount !== undefined && met >= succeededCount))) {
      return message;
    }
  }
  return undefined;
}

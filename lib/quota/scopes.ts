import type {
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodAffinityTerm,
  V1ResourceQuota,
  V1ScopedResourceSelectorRequirement,
} from '../schema/generated/types.js';
import { podAmounts } from './pod-amounts.js';

/** All of these an object must match to be charged to the quota. A bare scope asks that it exists. */
export function scopesOf(quota: V1ResourceQuota): V1ScopedResourceSelectorRequirement[] {
  const bare = (quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }));
  return [...bare, ...(quota.spec?.scopeSelector?.matchExpressions ?? [])];
}

/** One scope of a pod. */
export function podMatchesScope(scope: V1ScopedResourceSelectorRequirement, pod: V1Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return matchesValues(scope, [pod.spec?.priorityClassName ?? '']);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** One scope of a claim: the only one is its volume attributes class, wanted, present or being changed to. */
export function claimMatchesScope(scope: V1ScopedResourceSelectorRequirement, claim: V1PersistentVolumeClaim): boolean {
  if (scope.scopeName !== 'VolumeAttributesClass') return false;
  const names = [
    claim.spec?.volumeAttributesClassName,
    claim.status?.currentVolumeAttributesClassName,
    claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name): name is string => name !== undefined && name !== '');
  return matchesValues(scope, names.length === 0 ? [''] : names);
}

/** Like a label requirement of which '' is the absent value; one of the values must match. */
function matchesValues(scope: V1ScopedResourceSelectorRequirement, actual: readonly string[]): boolean {
  const values = scope.values ?? [];
  return actual.some((value) => {
    switch (scope.operator) {
      case 'Exists':
        return value !== '';
      case 'DoesNotExist':
        return value === '';
      case 'In':
        return value !== '' && values.includes(value);
      case 'NotIn':
        return value === '' || !values.includes(value);
      default:
        return false;
    }
  });
}

/** A pod that ends by itself. */
function isTerminating(pod: V1Pod): boolean {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds !== undefined && seconds !== null && Number(seconds) >= 0;
}

/** Neither requests nor limits of cpu and memory; as computed at creation where the status has it. */
function isBestEffort(pod: V1Pod): boolean {
  const recorded = pod.status?.qosClass;
  if (recorded !== undefined) return recorded === 'BestEffort';
  for (const side of ['requests', 'limits'] as const) {
    const amounts = podAmounts(
      { spec: { ...pod.spec, containers: pod.spec?.containers ?? [], overhead: undefined } },
      side,
    );
    for (const name of ['cpu', 'memory']) if ((amounts.get(name)?.mantissa ?? 0n) > 0n) return false;
  }
  return true;
}

function reachesOtherNamespaces(pod: V1Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ].some(namesNamespaces),
  );
}

function namesNamespaces(term: V1PodAffinityTerm): boolean {
  return (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined;
}

import type { V1Container, V1LabelSelector, V1Pod, V1PodCondition } from '../../../../../lib/schema/generated/types.js';
import { qosClassOf, recordedQosClass } from './qos.js';

const GATED: V1PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

/** A new pod is pending, with the quality of service that its resources give it. */
export function preparePod(pod: V1Pod): void {
  const spec = (pod.spec ??= { containers: [] });
  pod.status = { phase: 'Pending', qosClass: qosClassOf(spec) };
  if ((spec.schedulingGates ?? []).length > 0) pod.status.conditions = [{ ...GATED }];
  resolveLabelKeys(pod);
}

/** `matchLabelKeys` stand for the pod's own values of those labels; they become part of the selectors. */
function resolveLabelKeys(pod: V1Pod): void {
  const labels = pod.metadata?.labels ?? {};
  const extend = (selector: V1LabelSelector | undefined, keys: string[] | undefined, operator: string): void => {
    if (selector === undefined) return;
    for (const key of keys ?? []) {
      const value = labels[key];
      if (value === undefined) continue;
      (selector.matchExpressions ??= []).push({ key, operator, values: [value] });
    }
  };
  const { affinity, topologySpreadConstraints } = pod.spec ?? {};
  for (const kind of [affinity?.podAffinity, affinity?.podAntiAffinity]) {
    const terms = [
      ...(kind?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(kind?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ];
    for (const term of terms) {
      extend(term?.labelSelector, term?.matchLabelKeys, 'In');
      extend(term?.labelSelector, term?.mismatchLabelKeys, 'NotIn');
    }
  }
  for (const constraint of topologySpreadConstraints ?? []) {
    extend(constraint.labelSelector, constraint.matchLabelKeys, 'In');
  }
}

/** A write of pods/ephemeralcontainers changes those alone, one of pods/resize resources alone. */
export function preparePodUpdate(pod: V1Pod, old: V1Pod, subresource: string): void {
  if (subresource === 'ephemeralcontainers') {
    const ephemeralContainers = pod.spec?.ephemeralContainers ?? [];
    keepMetadata(pod, old);
    pod.spec = { ...(old.spec ?? { containers: [] }) };
    if (ephemeralContainers.length > 0) pod.spec.ephemeralContainers = ephemeralContainers;
    else delete pod.spec.ephemeralContainers;
  } else if (subresource === 'resize') {
    const containers = resized(pod.spec?.containers, old.spec?.containers);
    const initContainers = resized(pod.spec?.initContainers, old.spec?.initContainers);
    // Containers added, removed or renamed are left in place for validation to refuse.
    if (containers === undefined || initContainers === undefined) return;
    keepMetadata(pod, old);
    pod.spec = { ...(old.spec ?? { containers: [] }), containers };
    if (initContainers.length > 0) pod.spec.initContainers = initContainers;
  }
}

function resized(containers: V1Container[] | undefined, old: V1Container[] | undefined): V1Container[] | undefined {
  if ((containers ?? []).length !== (old ?? []).length) return undefined;
  const merged: V1Container[] = [];
  for (const [index, container] of (containers ?? []).entries()) {
    const before = old?.[index];
    if (before?.name !== container.name) return undefined;
    const { resources: _resources, resizePolicy: _resizePolicy, ...rest } = before;
    const { resources, resizePolicy } = container;
    merged.push({ ...rest, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) });
  }
  return merged;
}

/** Of metadata such a write takes no more than the version it was made from. */
function keepMetadata(pod: V1Pod, old: V1Pod): void {
  const { resourceVersion } = pod.metadata ?? {};
  pod.metadata = { ...old.metadata };
  if (resourceVersion === undefined) delete pod.metadata.resourceVersion;
  else pod.metadata.resourceVersion = resourceVersion;
}

/** The kubelet writes status and annotations; what the server has recorded of its own stays. */
export function preparePodStatus(pod: V1Pod, old: V1Pod): void {
  const status = (pod.status ??= {});
  status.qosClass ||= recordedQosClass(old);
  const { observedGeneration } = old.status ?? {};
  if (observedGeneration !== undefined) status.observedGeneration ||= observedGeneration;
  const generations = new Map<string, (number | undefined)[]>();
  for (const condition of old.status?.conditions ?? []) {
    const list = generations.get(condition.type) ?? [];
    generations.set(condition.type, [...list, condition.observedGeneration]);
  }
  for (const condition of status.conditions ?? []) {
    const before = generations.get(condition.type)?.shift();
    if (before !== undefined) condition.observedGeneration ||= before;
  }
}

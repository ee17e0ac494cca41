import { forbidden, invalid, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type {
  V1Affinity,
  V1Container,
  V1NodeAffinity,
  V1NodeSelectorTerm,
  V1Pod,
  V1PodSpec,
  V1Toleration,
} from '../../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../../shared/equality.js';
import { INT32_MAX, rangeMessage } from '../../shared/formats.js';
import { APP_ARMOR_ANNOTATION_PREFIX, MIRROR_POD_ANNOTATION } from '../../shared/pod-spec/annotations.js';
import { unifiedDiff } from '../../shared/unified-diff.js';

const EMPTY: V1PodSpec = { containers: [] };
const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');
const AFFINITY_TERMS = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';

/** Almost nothing of a pod's spec may change: it is replaced instead. */
export function validatePodUpdate(pod: V1Pod, old: V1Pod): FieldError[] {
  const spec = pod.spec ?? EMPTY;
  const before = old.spec ?? EMPTY;
  const errors = validateAnnotationUpdate(pod, old);
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = spec[list] ?? [];
    if (containers.length !== (before[list] ?? []).length) {
      return [...errors, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    errors.push(...imageErrors(containers, `spec.${list}`));
  }
  const deadline = deadlineErrors(spec.activeDeadlineSeconds, before.activeDeadlineSeconds);
  if (deadline.length > 0) return [...errors, ...deadline];
  errors.push(...tolerationErrors(spec.tolerations ?? [], before.tolerations ?? []));
  errors.push(...schedulingGateErrors(spec, before));
  if (semanticallyEqual(spec, before)) return errors;

  const rest: V1PodSpec = {
    ...spec,
    containers: withImages(spec.containers, before.containers),
    initContainers: withImages(spec.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
  };
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    rest.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds;
  }
  if ((before.schedulingGates ?? []).length > 0) {
    errors.push(...placementErrors(spec, before));
    rest.nodeSelector = before.nodeSelector;
    rest.affinity = withNodeAffinity(spec.affinity, before.affinity?.nodeAffinity);
  }
  if (!semanticallyEqual(rest, before)) {
    const why = `pod updates may not change fields other than ${UPDATABLE}\n${unifiedDiff(before, rest)}`;
    errors.push(forbidden('spec', why));
  }
  return errors;
}

/** Annotations that say how a pod was made do not change later. */
export function validateAnnotationUpdate(pod: V1Pod, old: V1Pod): FieldError[] {
  const after = pod.metadata?.annotations ?? {};
  const before = old.metadata?.annotations ?? {};
  const errors: FieldError[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (after[key] === before[key]) continue;
    const action = before[key] === undefined ? 'add' : 'remove or update';
    const field = `metadata.annotations[${key}]`;
    if (key.startsWith(APP_ARMOR_ANNOTATION_PREFIX)) {
      errors.push(forbidden(field, `may not ${action} AppArmor annotations`));
    }
    if (key === MIRROR_POD_ANNOTATION) errors.push(forbidden(field, `may not ${action} mirror pod annotation`));
  }
  return errors;
}

function imageErrors(containers: readonly V1Container[], path: string): FieldError[] {
  return containers.flatMap(({ image = '' }, index) => (image === '' ? [required(`${path}[${index}].image`)] : []));
}

function deadlineErrors(deadline: number | undefined, before: number | undefined): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  if (deadline === undefined) {
    return before === undefined ? [] : [invalid(field, null, 'must not update from a positive integer to nil value')];
  }
  if (deadline < 0 || deadline > INT32_MAX) return [invalid(field, deadline, rangeMessage(0, INT32_MAX))];
  return before !== undefined && before < deadline
    ? [invalid(field, deadline, 'must be less than or equal to previous value')]
    : [];
}

function tolerationErrors(tolerations: readonly V1Toleration[], before: readonly V1Toleration[]): FieldError[] {
  const kept = before.every((old) =>
    tolerations.some((one) => semanticallyEqual({ ...old, tolerationSeconds: one.tolerationSeconds }, one)),
  );
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function schedulingGateErrors(spec: V1PodSpec, before: V1PodSpec): FieldError[] {
  const old = new Set((before.schedulingGates ?? []).map((gate) => gate.name));
  return (spec.schedulingGates ?? []).flatMap((gate, index) =>
    old.has(gate.name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${index}].name`,
            `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
          ),
        ],
  );
}

function withImages(
  containers: readonly V1Container[] | undefined,
  before: readonly V1Container[] | undefined,
): V1Container[] {
  return (containers ?? []).map((container, index) => ({ ...container, image: before?.[index]?.image }));
}

function withNodeAffinity(
  affinity: V1Affinity | undefined,
  nodeAffinity: V1NodeAffinity | undefined,
): V1Affinity | undefined {
  const merged: V1Affinity = { ...affinity };
  delete merged.nodeAffinity;
  if (nodeAffinity !== undefined) merged.nodeAffinity = nodeAffinity;
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** A gated pod may still be told more narrowly where to run. */
function placementErrors(spec: V1PodSpec, before: V1PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const selector = spec.nodeSelector ?? {};
  if (Object.entries(before.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalid('spec.nodeSelector', selector, why));
  }
  const oldTerms = requiredTerms(before.affinity);
  if (oldTerms.length === 0) return errors;
  const terms = requiredTerms(spec.affinity);
  if (terms.length !== oldTerms.length) {
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return [...errors, invalid(AFFINITY_TERMS, terms, why)];
  }
  for (const [index, term] of terms.entries()) {
    if (!hasOnlyAdditions(term, oldTerms[index] ?? {})) {
      const why = 'only additions are allowed (no mutations or deletions)';
      errors.push(invalid(`${AFFINITY_TERMS}[${index}]`, term, why));
    }
  }
  return errors;
}

function requiredTerms(affinity: V1Affinity | undefined): V1NodeSelectorTerm[] {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
}

function hasOnlyAdditions(term: V1NodeSelectorTerm, before: V1NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  // An empty term selects nothing; adding to it would make it select something.
  if (lists.every((list) => (before[list] ?? []).length === 0)) {
    return lists.every((list) => (term[list] ?? []).length === 0);
  }
  return lists.every((list) => {
    const old = before[list] ?? [];
    return semanticallyEqual((term[list] ?? []).slice(0, old.length), old);
  });
}

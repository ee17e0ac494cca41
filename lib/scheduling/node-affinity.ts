import type {
  V1Affinity,
  V1Node,
  V1NodeSelector,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1PodSpec,
} from '../schema/generated/types.js';

/** What of a node selectors look at. */
export type SelectableNode = Pick<V1Node, 'metadata'>;

/**
 * One requirement against a value (undefined: there is none), as k8s.io/component-helpers' node affinity has it: NotIn and
 * DoesNotExist hold for what is absent; Gt and Lt compare integers.
 */
function matchesRequirement(requirement: V1NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compareIntegers(value, values[0], (actual, bound) => actual > bound);
    case 'Lt':
      return compareIntegers(value, values[0], (actual, bound) => actual < bound);
    default:
      return false;
  }
}

function compareIntegers(
  value: string | undefined,
  bound: string | undefined,
  test: (actual: bigint, bound: bigint) => boolean,
): boolean {
  const integer = /^[+-]?\d{1,19}$/;
  if (value === undefined || bound === undefined || !integer.test(value) || !integer.test(bound)) return false;
  return test(BigInt(value), BigInt(bound));
}

/** A term holds when all its requirements do; one without any holds for no node. */
export function matchesNodeSelectorTerm(term: V1NodeSelectorTerm, node: SelectableNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  return (
    expressions.every((requirement) =>
      matchesRequirement(requirement, Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined),
    ) &&
    fields.every(
      (requirement) => requirement.key === 'metadata.name' && matchesRequirement(requirement, node.metadata?.name),
    )
  );
}

/** A selector holds when one of its terms does. */
export function matchesNodeSelector(selector: V1NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** spec.nodeSelector and the required part of spec.affinity.nodeAffinity. */
export function matchesRequiredNodeAffinity(
  spec: Pick<V1PodSpec, 'nodeSelector' | 'affinity'>,
  node: SelectableNode,
): boolean {
  const labels = node.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** The weights of the preferred terms that hold. An empty preference holds for every node. */
export function preferredNodeAffinityWeight(affinity: V1Affinity | undefined, node: SelectableNode): number {
  let weight = 0;
  for (const term of affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    const { preference } = term;
    const isEmpty = !preference.matchExpressions?.length && !preference.matchFields?.length;
    if (isEmpty || matchesNodeSelectorTerm(preference, node)) weight += term.weight;
  }
  return weight;
}

import type {
  V1Affinity,
  V1DaemonSet,
  V1Node,
  V1Pod,
  V1PodSpec,
  V1Toleration,
} from '../../../lib/schema/generated/types.js';
import { matchesRequiredNodeAffinity } from '../../../lib/scheduling/node-affinity.js';
import { findUntoleratedTaint } from '../../../lib/scheduling/taints.js';
import { semanticEqual } from '../shared/hash.js';

/** Which nodes a DaemonSet's pods belong on, and how a pod is tied to its node. */

const ANY_EXECUTION = ['not-ready', 'unreachable'];
const ANY_SCHEDULING = ['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'];

/** Troubles of a node that its daemons stay through, since they may be what repairs it. */
function automaticTolerations(hostNetwork: boolean | undefined): V1Toleration[] {
  const tolerate = (name: string, effect: string): V1Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect,
  });
  return [
    ...ANY_EXECUTION.map((name) => tolerate(name, 'NoExecute')),
    ...ANY_SCHEDULING.map((name) => tolerate(name, 'NoSchedule')),
    ...(hostNetwork ? [tolerate('network-unavailable', 'NoSchedule')] : []),
  ];
}

/** The template's tolerations with the automatic ones; one of the template with the same key, effect and value gives way. */
export function daemonTolerations(spec: V1PodSpec | undefined): V1Toleration[] {
  const identity = ({ key, effect, operator, value }: V1Toleration): unknown => [
    key,
    effect,
    operator ?? 'Equal',
    value ?? '',
  ];
  const automatic = automaticTolerations(spec?.hostNetwork);
  const kept = (spec?.tolerations ?? []).filter(
    (toleration) => !automatic.some((one) => semanticEqual(identity(one), identity(toleration))),
  );
  return [...kept, ...automatic];
}

export interface Eligibility {
  /** The node should get a pod. */
  readonly shouldRun: boolean;
  /** A pod that runs there may stay. */
  readonly mayStay: boolean;
}

export function eligibility(daemonSet: V1DaemonSet, node: V1Node): Eligibility {
  const spec = daemonSet.spec?.template.spec;
  const never: Eligibility = { shouldRun: false, mayStay: false };
  if (spec === undefined || (spec.nodeName && spec.nodeName !== node.metadata?.name)) return never;
  if (!matchesRequiredNodeAffinity(spec, node)) return never;
  const tolerations = daemonTolerations(spec);
  const { taints } = node.spec ?? {};
  if (findUntoleratedTaint(taints, tolerations, ['NoExecute']) !== undefined) return never;
  return { shouldRun: findUntoleratedTaint(taints, tolerations, ['NoSchedule']) === undefined, mayStay: true };
}

/** The template's affinity with its required node affinity replaced by this one node, so that the scheduler binds it there. */
export function pinnedTo(affinity: V1Affinity | undefined, nodeName: string): V1Affinity {
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }],
      },
    },
  };
}

/** The node a pod runs on, or is pinned to while it is not scheduled. */
export function targetNode(pod: V1Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === 'metadata.name' && operator === 'In') return values.length === 1 ? values[0] : undefined;
    }
  }
  return undefined;
}

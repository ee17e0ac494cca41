import type { V1Pod, V1StatefulSet, V1Volume } from '../../../lib/schema/generated/types.js';
import { statefulSets } from '../../../lib/client/resources.js';
import { controllerReference } from '../shared/owners.js';
import { podFromTemplate } from '../shared/pod-control.js';
import { REVISION_HASH_LABEL } from '../shared/revisions.js';

/** The identity of a StatefulSet's pods: name, ordinal, labels, host name and volumes. */

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

const POD_NAME = /^(.*)-(\d+)$/;

const INT32_MAX = 2 ** 31 - 1;

/** The ordinal at the end of a pod's name; undefined when there is none. */
export function ordinalOf(pod: V1Pod): number | undefined {
  const ordinal = Number(POD_NAME.exec(pod.metadata?.name ?? '')?.[2] ?? NaN);
  return ordinal <= INT32_MAX ? ordinal : undefined;
}

/** Whether the pod's name is one that this set gives. */
export function isMember(set: V1StatefulSet, pod: V1Pod): boolean {
  return POD_NAME.exec(pod.metadata?.name ?? '')?.[1] === set.metadata?.name;
}

export function startOrdinal(set: V1StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

export function replicasOf(set: V1StatefulSet): number {
  return set.spec?.replicas ?? 1;
}

export function isInRange(set: V1StatefulSet, ordinal: number): boolean {
  return ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set);
}

export function podName(set: V1StatefulSet, ordinal: number): string {
  return `${set.metadata?.name ?? ''}-${ordinal}`;
}

export function claimName(set: V1StatefulSet, template: string, ordinal: number): string {
  return `${template}-${podName(set, ordinal)}`;
}

/** The name of the revision that a pod was made from. */
export function podRevision(pod: V1Pod): string {
  return pod.metadata?.labels?.[REVISION_HASH_LABEL] ?? '';
}

/** The pod with this ordinal, from the template of `set`, which is that of the revision. */
export function newStatefulPod(set: V1StatefulSet, ordinal: number, revision: string): V1Pod {
  const name = podName(set, ordinal);
  const pod = podFromTemplate(set.spec?.template, set, controllerReference(statefulSets, set));
  const { generateName: _generateName, ...metadata } = pod.metadata ?? {};
  return {
    metadata: {
      ...metadata,
      name,
      labels: { ...identityLabels(metadata.labels, name, ordinal), [REVISION_HASH_LABEL]: revision },
    },
    spec: {
      containers: [],
      ...pod.spec,
      hostname: name,
      subdomain: set.spec?.serviceName,
      volumes: volumesWithClaims(set, pod, ordinal),
    },
  };
}

function identityLabels(
  labels: Readonly<Record<string, string>> | undefined,
  name: string,
  ordinal: number,
): Record<string, string> {
  return { ...labels, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal) };
}

/** The pod's volumes, with one for each claim template in place of any other volume of that name. */
function volumesWithClaims(set: V1StatefulSet, pod: V1Pod, ordinal: number): V1Volume[] {
  const templates = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '');
  return [
    ...templates.map((name) => ({
      name,
      persistentVolumeClaim: { claimName: claimName(set, name, ordinal) },
    })),
    ...(pod.spec?.volumes ?? []).filter(({ name }) => !templates.includes(name)),
  ];
}

export function identityMatches(pod: V1Pod): boolean {
  return pod.metadata?.labels?.[POD_NAME_LABEL] === pod.metadata?.name;
}

export function storageMatches(set: V1StatefulSet, pod: V1Pod, ordinal: number): boolean {
  return (set.spec?.volumeClaimTemplates ?? []).every(({ metadata }) => {
    const name = metadata?.name ?? '';
    const volume = pod.spec?.volumes?.find((one) => one.name === name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal);
  });
}

/** The pod with the labels and volumes that its ordinal asks for. */
export function withIdentity(set: V1StatefulSet, pod: V1Pod, ordinal: number): V1Pod {
  const repaired = structuredClone(pod);
  const { metadata, spec } = repaired;
  if (metadata !== undefined) metadata.labels = identityLabels(metadata.labels, podName(set, ordinal), ordinal);
  if (spec !== undefined && !storageMatches(set, pod, ordinal)) spec.volumes = volumesWithClaims(set, pod, ordinal);
  return repaired;
}

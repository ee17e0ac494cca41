import { createHash } from 'node:crypto';
import type { V1OwnerReference, V1Pod, V1Toleration } from '../../lib/schema/generated/types.js';

/** Annotations of static pods, as the kubelet sets them. */
const CONFIG_SOURCE = 'kubernetes.io/config.source';
const CONFIG_HASH = 'kubernetes.io/config.hash';
const CONFIG_SEEN = 'kubernetes.io/config.seen';
const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

/** Whatever the taints of the node: a static pod stays. */
const STAYS: V1Toleration = { operator: 'Exists', effect: 'NoExecute' };

export interface StaticPodPlace {
  nodeName: string;
  /** The manifest's path. */
  file: string;
}

/**
 * The pod of a manifest as the pod of this node: named after it, bound to it, with a uid of what it says, so that a changed file is another
 * pod. As the kubelet's applyDefaults of its file source.
 */
export function placeStaticPod(pod: V1Pod, { nodeName, file }: StaticPodPlace): V1Pod {
  const { name = '', namespace, labels, annotations = {} } = pod.metadata ?? {};
  const { [CONFIG_MIRROR]: _mirror, ...own } = annotations;
  const uid = contentHash(pod, { nodeName, file });
  const { tolerations = [], ...spec } = pod.spec ?? { containers: [] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    // The rest of metadata is the API server's to say, and it has not seen this pod.
    metadata: {
      // Without a name the pod is refused for that, and not for the name it would get.
      name: name === '' ? '' : `${name}-${nodeName.toLowerCase()}`,
      namespace: namespace || 'default',
      uid,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...own, [CONFIG_HASH]: uid, [CONFIG_SOURCE]: 'file' },
    },
    spec: { ...spec, nodeName, tolerations: [...tolerations.filter((one) => !isStays(one)), STAYS] },
    status: { phase: 'Pending' },
  };
}

function isStays({ key, operator, effect }: V1Toleration): boolean {
  return !key && operator === STAYS.operator && effect === STAYS.effect;
}

/** As long as the kubelet's: an MD5 sum. It tells contents apart and keeps nobody out. */
function contentHash(pod: V1Pod, { nodeName, file }: StaticPodPlace): string {
  return createHash('md5')
    .update(`${JSON.stringify(pod)}host:${nodeName}file:${file}`)
    .digest('hex');
}

/** When the agent has met this pod for the first time. */
export function withSeen(pod: V1Pod, seenMs: number): V1Pod {
  const annotations = { ...pod.metadata?.annotations, [CONFIG_SEEN]: new Date(seenMs).toISOString() };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

export function isStaticPod(pod: V1Pod): boolean {
  const source = pod.metadata?.annotations?.[CONFIG_SOURCE];
  return source !== undefined && source !== 'api' && !isMirrorPod(pod);
}

/** Whether an object of the API only shows a static pod. */
export function isMirrorPod(pod: V1Pod): boolean {
  return pod.metadata?.annotations?.[CONFIG_MIRROR] !== undefined;
}

/** Whether the mirror shows this pod, and not what was in its file before. */
export function isMirrorOf(mirror: V1Pod, pod: V1Pod): boolean {
  return mirror.metadata?.annotations?.[CONFIG_MIRROR] === pod.metadata?.annotations?.[CONFIG_HASH];
}

/** What shows a static pod in the API. It belongs to its node, and goes with it. */
export function mirrorOf(pod: V1Pod, node: { name: string; uid: string }): V1Pod {
  const { name, namespace, labels, annotations = {} } = pod.metadata ?? {};
  const owner: V1OwnerReference = { apiVersion: 'v1', kind: 'Node', ...node, controller: true };
  return {
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [CONFIG_MIRROR]: annotations[CONFIG_HASH] ?? '' },
      ownerReferences: [owner],
    },
    spec: pod.spec,
  };
}

import type { V1Pod, V1Volume } from '../../../lib/schema/generated/types.js';
import { podReferences } from '../auth/node-references.js';

/** The kind of API object that a pod refers to, as an error names it; undefined for a pod that needs none. */
export function referencedApiKind(pod: V1Pod): string | undefined {
  const kinds = new Set([...podReferences(pod)].map((reference) => reference.split('/', 1)[0]));
  for (const kind of ['serviceaccounts', 'secrets', 'configmaps']) if (kinds.has(kind)) return kind;
  if ((pod.spec?.resourceClaims ?? []).length > 0) return 'resourceclaims';
  for (const volume of pod.spec?.volumes ?? []) {
    const kind = kindOfVolume(volume);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

function kindOfVolume(volume: V1Volume): string | undefined {
  if (volume.csi !== undefined) return 'csidrivers (via CSI volumes)';
  if (volume.glusterfs !== undefined) return 'endpoints (via glusterFS volumes)';
  if (volume.persistentVolumeClaim !== undefined) return 'persistentvolumeclaims';
  if (volume.ephemeral !== undefined) return 'persistentvolumeclaims (via ephemeral volumes)';
  for (const source of volume.projected?.sources ?? []) {
    if (source.serviceAccountToken !== undefined) return 'serviceaccounts (via projected volumes)';
    if (source.clusterTrustBundle !== undefined) return 'clustertrustbundles';
    if (source.podCertificate !== undefined) return 'podcertificates';
  }
  return undefined;
}

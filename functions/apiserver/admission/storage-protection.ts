import { compareQuantities, parseQuantity } from '../../../lib/api/quantity.js';
import type { V1PersistentVolumeClaim, V1StorageClass } from '../../../lib/schema/generated/types.js';
import { STORAGE_FINALIZERS } from '../../../lib/storage/finalizers.js';
import type { AdmissionPlugin } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const STORAGE_CLASSES = { group: 'storage.k8s.io', plural: 'storageclasses' };
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** Volumes, claims and attribute classes are not removed while they are in use; their controllers take the finalizer away. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  async mutate({ operation, kind, subresource, object }) {
    if (operation !== 'CREATE' || subresource !== '' || object === undefined) return;
    const finalizer = STORAGE_FINALIZERS[`${kind.group}/${kind.plural}`];
    if (finalizer === undefined) return;
    const metadata = (object.metadata ??= {});
    const present = metadata.finalizers ?? [];
    if (!present.includes(finalizer)) metadata.finalizers = [...present, finalizer];
  },
};

/** A claim grows only once it is bound, and where its class allows it. */
export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  async validate(attributes, { policies }) {
    if (attributes.operation !== 'UPDATE' || !concerns(attributes, 'persistentvolumeclaims')) return;
    const claim = attributes.object as V1PersistentVolumeClaim;
    const old = attributes.oldObject as V1PersistentVolumeClaim;
    const size = (one: V1PersistentVolumeClaim) => parseQuantity(one.spec?.resources?.requests?.['storage'] ?? '0');
    if (compareQuantities(size(claim), size(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') throw refusal(attributes, 'Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const found =
      name === '' || name !== classOf(old) ? undefined : await policies.get<V1StorageClass>(STORAGE_CLASSES, '', name);
    if (found?.allowVolumeExpansion === true) return;
    throw refusal(
      attributes,
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  },
};

function classOf({ metadata, spec }: V1PersistentVolumeClaim): string {
  return metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';
}

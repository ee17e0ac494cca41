import type { KubernetesObject } from '../../../lib/api/meta.js';
import type {
  V1Ingress,
  V1IngressClass,
  V1PersistentVolumeClaim,
  V1StorageClass,
} from '../../../lib/schema/generated/types.js';
import type { AdmissionPlugin } from './plugin.js';
import { concerns } from './refusal.js';

const STORAGE_CLASSES = { group: 'storage.k8s.io', plural: 'storageclasses' };
const STORAGE_DEFAULT = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const STORAGE_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const INGRESS_CLASSES = { group: 'networking.k8s.io', plural: 'ingressclasses' };
const INGRESS_DEFAULT = ['ingressclass.kubernetes.io/is-default-class'];
const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** A claim that names no class (the empty one is a name) gets the default one. */
export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  async mutate(attributes, { policies }) {
    if (attributes.operation !== 'CREATE' || !concerns(attributes, 'persistentvolumeclaims')) return;
    const claim = attributes.object as V1PersistentVolumeClaim;
    if (claim.metadata?.annotations?.[STORAGE_CLASS_ANNOTATION] !== undefined) return;
    if (claim.spec === undefined || claim.spec.storageClassName !== undefined) return;
    const found = defaultOf(await policies.list<V1StorageClass>(STORAGE_CLASSES), STORAGE_DEFAULT);
    if (found?.metadata?.name !== undefined) claim.spec.storageClassName = found.metadata.name;
  },
};

/** An ingress that names no class, in its spec or in the old annotation, gets the default one. */
export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  async mutate({ operation, kind, subresource, object }, { policies }) {
    if (operation !== 'CREATE' || kind.group !== 'networking.k8s.io' || kind.plural !== 'ingresses') return;
    const ingress = object as V1Ingress;
    if (subresource !== '' || ingress.metadata?.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined) return;
    if (ingress.spec?.ingressClassName !== undefined) return;
    const found = defaultOf(await policies.list<V1IngressClass>(INGRESS_CLASSES), INGRESS_DEFAULT);
    if (found?.metadata?.name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name };
  },
};

/** The youngest of several; of one age the first by name. */
function defaultOf<T extends KubernetesObject>(classes: readonly T[], annotations: readonly string[]): T | undefined {
  const age = ({ metadata }: T): string => String(metadata?.creationTimestamp ?? '');
  return classes
    .filter(({ metadata }) => annotations.some((name) => metadata?.annotations?.[name] === 'true'))
    .toSorted((left, right) => {
      if (age(left) !== age(right)) return age(left) > age(right) ? -1 : 1;
      return (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
    })[0];
}

import type { WriteOperation } from './store.js';

/**
 * Collections of what requests are decided by. They are read from memory, and one number tells whether any of them has moved: the revision of
 * POLICY_EPOCH.
 */
export const POLICY_COLLECTIONS: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io/mutatingadmissionpolicies',
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingadmissionpolicies',
  'admissionregistration.k8s.io/validatingadmissionpolicybindings',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices',
  'core/limitranges',
  'core/namespaces',
  'core/resourcequotas',
  'networking.k8s.io/ingressclasses',
  'node.k8s.io/runtimeclasses',
  'rbac.authorization.k8s.io/clusterrolebindings',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/roles',
  'scheduling.k8s.io/priorityclasses',
  'storage.k8s.io/storageclasses',
]);

/**
 * No collection, but every store has its revision: it is another one after each write to a collection of POLICY_COLLECTIONS, before that write is
 * acknowledged or can be seen. Whoever has read it before the collections, and finds it again, has what is in force. It holds no objects.
 */
export const POLICY_EPOCH = '#policy';

/** Whether a write makes the epoch another one. */
export function movesPolicy(collection: string, operations: readonly WriteOperation[]): boolean {
  return POLICY_COLLECTIONS.has(collection) && operations.some(({ keepsPolicy }) => keepsPolicy !== true);
}

/** The epoch where revisions of collections are at hand. */
export function epochOf(revisionOf: (collection: string) => number): number {
  let epoch = 0;
  for (const collection of POLICY_COLLECTIONS) epoch += revisionOf(collection);
  return epoch;
}

import type { KubernetesObject } from '../../../lib/api/meta.js';
import { namespaces } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { nameOf } from './pods.js';

/** Events about what is gone stay until they expire. */
const HISTORY = 'core/events';

/** Every owner that an object names lives: the same object, not only one of the same name. */
export const ownersLive: Checker = (state) => {
  const all = [...state.collections.values()].flat();
  const living = new Set(all.map(({ metadata }) => metadata?.uid));
  return all.flatMap((object) =>
    (object.metadata?.ownerReferences ?? [])
      .filter(({ uid }) => !living.has(uid))
      .map(({ kind, name }) => `${nameOf(object)} belongs to ${kind} ${name}, which is gone`),
  );
};

/** Every object is in a namespace that exists. */
export const namespacesLive: Checker = (state) => {
  const living = new Set(state.of(namespaces).map(({ metadata }) => metadata?.name));
  return [...state.collections]
    .flatMap(([collection, objects]) => (collection === HISTORY ? [] : objects))
    .filter(({ metadata }) => metadata?.namespace !== undefined && !living.has(metadata.namespace))
    .map((object) => `${nameOf(object)} is in a namespace that is gone`);
};

/** What keeps a claim while a pod uses it is there all its life. */
const LIFELONG = new Set(['kubernetes.io/pvc-protection']);

/** What was deleted is gone, and nothing waits for somebody to let it go. */
export const nothingIsEnding: Checker = (state) =>
  [...state.collections.values()].flat().flatMap((object: KubernetesObject) => {
    const { deletionTimestamp, finalizers = [] } = object.metadata ?? {};
    if (deletionTimestamp !== undefined) return [`${nameOf(object)} is still being deleted (${finalizers.join()})`];
    const waiting = finalizers.filter((finalizer) => !LIFELONG.has(finalizer));
    return waiting.map((finalizer) => `${nameOf(object)} still has the finalizer ${finalizer}`);
  });

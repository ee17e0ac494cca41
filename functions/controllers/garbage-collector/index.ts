import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject, OwnerReference } from '../../../lib/api/meta.js';
import { refOf } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import { watch, type Controller, type ControllerContext } from '../../../lib/work/controller.js';
import { InFlight } from '../../../lib/work/in-flight.js';
import {
  FOREGROUND_FINALIZER,
  isDeleting,
  ORPHAN_FINALIZER,
  parseSubject,
  subjectsOf,
  waitsForDependents,
  waitsToOrphan,
} from './keys.js';
import { allResources, collectedResources, ownerResource } from './resources.js';

/** Writes to dependents of one owner that are under way at one time. */
const WRITES_MAX = 16;

interface Item {
  resource: Resource<KubernetesObject>;
  object: KubernetesObject;
}

/**
 * Deletes what has lost its last owner, and carries out foreground and orphan deletion. It keeps no graph: replicas find dependents by their
 * owners' uids, and every decision is made on the present. Rules are those of kube-controller-manager's garbage collector.
 */
export const garbageCollector: Controller = {
  name: 'garbage-collector',
  watches: [...collectedResources.values()].map((resource) =>
    watch(resource, (change, lookup) => subjectsOf(resource, change, lookup)),
  ),
  customKeys: subjectsOf,
  async reconcile(key, context) {
    const subject = await parseSubject(key, context);
    if (subject === undefined) return;
    if ('goneUid' in subject) {
      await forEach(await dependentsOf(subject.goneUid, context), (item) => collect(item, context));
      return;
    }
    const object = (await context.view(subject.resource)).get(subject.ref.namespace, subject.ref.name);
    if (object === undefined) return;
    const item = { resource: subject.resource, object };
    if (waitsToOrphan(object)) await orphanDependents(item, context);
    else if (waitsForDependents(object)) await deleteDependents(item, context);
    else await collect(item, context);
  },
};

/** Deletes an object that has no living owner, or lets it go from owners that are dead or dying. */
async function collect({ resource, object }: Item, context: ControllerContext): Promise<void> {
  const references = object.metadata?.ownerReferences ?? [];
  if (references.length === 0 || (isDeleting(object) && !waitsForDependents(object))) return;
  const owners = await classify(object, references, resource.namespaced, context);
  if (owners === undefined) return;
  const { solid, dangling, waiting } = owners;
  if (solid.length > 0) {
    if (dangling.length + waiting.length > 0)
      await removeReferences({ resource, object }, [...dangling, ...waiting], context);
    return;
  }
  if (isDeleting(object)) return;
  if (waiting.length > 0) {
    const dependents = await dependentsOf(object.metadata?.uid ?? '', context);
    if (dependents.length > 0) {
      // Where a dependent waits for its dependents too, the two may wait for each other: this one stops blocking.
      const isCircle = dependents.some((dependent) => waitsForDependents(dependent.object));
      const present = isCircle ? await stopBlocking({ resource, object }, context) : object;
      if (present !== undefined) await remove({ resource, object: present }, 'Foreground', context);
      return;
    }
  }
  const finalizers = object.metadata?.finalizers ?? [];
  const policy = finalizers.includes(ORPHAN_FINALIZER)
    ? 'Orphan'
    : finalizers.includes(FOREGROUND_FINALIZER)
      ? 'Foreground'
      : 'Background';
  await remove({ resource, object }, policy, context);
}

interface Owners {
  solid: OwnerReference[];
  /** The owner does not exist, or is another object of that name. */
  dangling: OwnerReference[];
  /** The owner is being deleted in the foreground and waits for this object. */
  waiting: OwnerReference[];
}

/** Undefined when an owner cannot be judged: nothing may be deleted then. */
async function classify(
  object: KubernetesObject,
  references: readonly OwnerReference[],
  isNamespaced: boolean,
  context: ControllerContext,
): Promise<Owners | undefined> {
  const owners: Owners = { solid: [], dangling: [], waiting: [] };
  for (const reference of references) {
    const resource = await ownerResource(reference, context);
    if (resource === undefined) return undefined;
    if (resource.namespaced && !isNamespaced) {
      const { apiVersion, kind, name, uid } = reference;
      const message = `ownerRef [${apiVersion}/${kind}, namespace: , name: ${name}, uid: ${uid}] does not exist in namespace ""`;
      await context.events.warning(object, 'OwnerRefInvalidNamespace', message);
      return undefined;
    }
    const namespace = resource.namespaced ? object.metadata?.namespace : undefined;
    const owner = (await context.view(resource)).get(namespace, reference.name);
    if (owner?.metadata?.uid !== reference.uid) owners.dangling.push(reference);
    else if (waitsForDependents(owner)) owners.waiting.push(reference);
    else owners.solid.push(reference);
  }
  return owners;
}

async function orphanDependents(owner: Item, context: ControllerContext): Promise<void> {
  const uid = owner.object.metadata?.uid ?? '';
  await forEach(await dependentsOf(uid, context), async (dependent) => {
    const references = dependent.object.metadata?.ownerReferences ?? [];
    await removeReferences(
      dependent,
      references.filter((reference) => reference.uid === uid),
      context,
    );
  });
  await removeFinalizer(owner, ORPHAN_FINALIZER, context);
}

async function deleteDependents(owner: Item, context: ControllerContext): Promise<void> {
  const uid = owner.object.metadata?.uid ?? '';
  const dependents = await dependentsOf(uid, context);
  await forEach(dependents, (dependent) => collect(dependent, context));
  const left = await dependentsOf(uid, context);
  const isBlocked = left.some(({ object }) =>
    object.metadata?.ownerReferences?.some(
      (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
    ),
  );
  // Otherwise the deletion of the last of them brings us back.
  if (!isBlocked) await removeFinalizer(owner, FOREGROUND_FINALIZER, context);
}

async function dependentsOf(uid: string, context: ControllerContext): Promise<Item[]> {
  const resources = await allResources(context);
  const views = await Promise.all(resources.map((resource) => context.view(resource)));
  return resources.flatMap((resource, index) =>
    (views[index]?.ownedBy(uid) ?? []).map((object) => ({ resource, object })),
  );
}

async function remove(
  { resource, object }: Item,
  propagationPolicy: 'Orphan' | 'Foreground' | 'Background',
  { client }: ControllerContext,
): Promise<void> {
  // On this very version it was judged: a new owner is a new version.
  const { uid, resourceVersion } = object.metadata ?? {};
  const preconditions = { uid, resourceVersion };
  await ignoringAbsence(client.delete(resource, refOf(object), { propagationPolicy, preconditions }));
}

async function removeReferences(
  item: Item,
  references: readonly OwnerReference[],
  context: ControllerContext,
): Promise<void> {
  const gone = new Set(references.map((reference) => reference.uid));
  await patchOwners(item, (owners) => owners.filter((owner) => !gone.has(owner.uid)), context);
}

/** The object as it is then; undefined: it is gone. */
async function stopBlocking(item: Item, context: ControllerContext): Promise<KubernetesObject | undefined> {
  if (item.object.metadata?.ownerReferences?.every((owner) => owner.blockOwnerDeletion !== true)) return item.object;
  return patchOwners(item, (owners) => owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })), context);
}

async function patchOwners(
  { resource, object }: Item,
  change: (owners: readonly OwnerReference[]) => OwnerReference[],
  { client }: ControllerContext,
): Promise<KubernetesObject | undefined> {
  const { uid, resourceVersion, ownerReferences = [] } = object.metadata ?? {};
  const changed = change(ownerReferences);
  const patch = { metadata: { uid, resourceVersion, ownerReferences: changed.length === 0 ? null : changed } };
  return ignoringAbsence(client.patch(resource, refOf(object), 'merge', patch));
}

async function removeFinalizer(
  { resource, object }: Item,
  finalizer: string,
  { client }: ControllerContext,
): Promise<void> {
  const { uid, resourceVersion, finalizers = [] } = object.metadata ?? {};
  const left = finalizers.filter((one) => one !== finalizer);
  const patch = { metadata: { uid, resourceVersion, finalizers: left.length === 0 ? null : left } };
  await ignoringAbsence(client.patch(resource, refOf(object), 'merge', patch));
}

async function ignoringAbsence<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
    return undefined;
  }
}

/** Several at a time; the first error is thrown once all have been tried. */
async function forEach(items: readonly Item[], step: (item: Item) => Promise<void>): Promise<void> {
  const writes = new InFlight(WRITES_MAX);
  const errors: unknown[] = [];
  for (const item of items) {
    await writes.start(() =>
      step(item).catch((error: unknown) => {
        errors.push(error);
      }),
    );
  }
  await writes.drain();
  if (errors.length > 0) throw errors[0];
}

import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { refOf } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import {
  watch,
  type ControllerContext,
  type ControllerWatch,
  type Lookup,
  type ObjectChange,
} from '../../../lib/work/controller.js';
import { keyOf } from '../../../lib/client/client.js';
import { parseApiVersion } from '../../../lib/api/meta.js';
import { controllerOf, controllerReference, isBeingDeleted, orphansByNamespace, sameObject } from './owners.js';

export interface Claim<O extends KubernetesObject, C extends KubernetesObject> {
  readonly owner: O;
  readonly ownerResource: Resource<O>;
  readonly childResource: Resource<C>;
  /** Whether the owner selects the child. */
  selects(child: C): boolean;
  /** Only these are adopted or released; the others are left as they are and not in the result. Default: all. */
  considers?(child: C): boolean;
  /** Added on adoption, taken away on release. */
  readonly finalizers?: readonly string[];
}

/**
 * The children that belong to the owner: adopts matching ones without a controlling owner, releases those of its own that
 * no longer match. Neither happens once the owner is being deleted.
 */
export async function claimChildren<O extends KubernetesObject, C extends KubernetesObject>(
  context: ControllerContext,
  claim: Claim<O, C>,
): Promise<C[]> {
  const { owner, childResource } = claim;
  const view = await context.view(childResource);
  const considers = claim.considers?.bind(claim) ?? (() => true);
  const own = view
    .ownedBy(owner.metadata?.uid ?? '')
    .filter((child) => controllerOf(child)?.uid === owner.metadata?.uid && considers(child));
  const claimed = own.filter((child) => claim.selects(child));
  if (isBeingDeleted(owner)) return claimed;

  for (const child of own) if (!claim.selects(child)) await release(context, claim, child);
  const orphans = view
    .by(orphansByNamespace, owner.metadata?.namespace ?? '')
    .filter((child) => !isBeingDeleted(child) && considers(child) && claim.selects(child));
  if (orphans.length === 0) return claimed;
  await assertMayAdopt(context, claim);
  for (const child of orphans) {
    const adopted = await adopt(context, claim, child);
    if (adopted !== undefined) claimed.push(adopted);
  }
  return claimed;
}

/** Reads the owner past all replicas: one that has just been deleted must not take anything. */
async function assertMayAdopt<O extends KubernetesObject, C extends KubernetesObject>(
  context: ControllerContext,
  { owner, ownerResource }: Claim<O, C>,
): Promise<void> {
  const fresh = await context.client.get(ownerResource, refOf(owner));
  const name = `${ownerResource.kind} ${keyOf(owner)}`;
  if (!sameObject(fresh, owner)) {
    throw new Error(
      `original ${name} is gone: got uid ${fresh.metadata?.uid ?? ''}, wanted ${owner.metadata?.uid ?? ''}`,
    );
  }
  if (isBeingDeleted(fresh)) throw new Error(`${name} has just been deleted`);
}

async function adopt<O extends KubernetesObject, C extends KubernetesObject>(
  context: ControllerContext,
  claim: Claim<O, C>,
  child: C,
): Promise<C | undefined> {
  const patch = {
    metadata: {
      uid: child.metadata?.uid,
      ownerReferences: [controllerReference(claim.ownerResource, claim.owner)],
      ...(claim.finalizers === undefined ? {} : { finalizers: claim.finalizers }),
    },
  };
  try {
    return await context.client.patch(claim.childResource, refOf(child), 'strategic', patch);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function release<O extends KubernetesObject, C extends KubernetesObject>(
  context: ControllerContext,
  claim: Claim<O, C>,
  child: C,
): Promise<void> {
  const patch = {
    metadata: {
      uid: child.metadata?.uid,
      ownerReferences: [{ $patch: 'delete', uid: claim.owner.metadata?.uid }],
      ...(claim.finalizers === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': claim.finalizers }),
    },
  };
  try {
    await context.client.patch(claim.childResource, refOf(child), 'strategic', patch);
  } catch (error) {
    // The child is gone, or another object has its name: either way there is nothing left to release.
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Invalid')) throw error;
  }
}

export interface ChildWatch<O extends KubernetesObject, C extends KubernetesObject> {
  readonly child: Resource<C>;
  readonly owner: Resource<O>;
  /** Whether the owner would adopt the child. */
  selects(owner: O, child: C): boolean;
  /** What of a child concerns its owner: an update that leaves this, labels, owners and deletion alone is skipped. Default: everything. */
  concerns?(child: C): unknown;
}

/** The keys of a child's owner before and after a change, and for one without an owner those of all that would adopt it. */
export function watchChildren<O extends KubernetesObject, C extends KubernetesObject>(
  spec: ChildWatch<O, C>,
): ControllerWatch {
  const concerns = spec.concerns?.bind(spec);
  return watch(spec.child, async (change, lookup) => {
    const { object, previous } = change;
    const keys = new Set<string>();
    for (const one of [object, previous]) {
      const key = one === undefined ? undefined : controllerKey(one, spec.owner);
      if (key !== undefined) keys.add(key);
    }
    const isOrphan = change.type !== 'deleted' && controllerOf(object) === undefined;
    if (keys.size === 0 && !isOrphan) return [];
    if (concerns !== undefined && isIrrelevant(change, concerns)) return [];
    if (isOrphan) for (const key of await adopters(object, spec, lookup)) keys.add(key);
    return [...keys];
  });
}

function isIrrelevant<C extends KubernetesObject>(change: ObjectChange<C>, concerns: (child: C) => unknown): boolean {
  const { object, previous } = change;
  if (change.type !== 'updated' || previous === undefined) return false;
  const essence = ({ metadata }: C): unknown[] => [
    metadata?.uid,
    metadata?.labels,
    metadata?.ownerReferences,
    metadata?.finalizers,
    metadata?.deletionTimestamp,
  ];
  return deepEqual(essence(object), essence(previous)) && deepEqual(concerns(object), concerns(previous));
}

function controllerKey(object: KubernetesObject, owner: Resource<KubernetesObject>): string | undefined {
  const reference = controllerOf(object);
  if (reference?.kind !== owner.kind || parseApiVersion(reference.apiVersion).group !== owner.group) return undefined;
  return `${object.metadata?.namespace ?? ''}/${reference.name}`;
}

async function adopters<O extends KubernetesObject, C extends KubernetesObject>(
  child: C,
  spec: ChildWatch<O, C>,
  lookup: Lookup,
): Promise<string[]> {
  if (Object.keys(child.metadata?.labels ?? {}).length === 0) return [];
  const owners = await lookup.view(spec.owner);
  return owners
    .list(child.metadata?.namespace)
    .filter((owner) => spec.selects(owner, child))
    .map(keyOf);
}

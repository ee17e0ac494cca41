import { isApiError } from '../../../lib/api/errors.js';
import { apiVersionOf, type KubernetesObject, type OwnerReference } from '../../../lib/api/meta.js';
import { persistentVolumeClaims, pods, statefulSets } from '../../../lib/client/resources.js';
import type { Resource } from '../../../lib/client/resource.js';
import type { V1PersistentVolumeClaim, V1Pod, V1StatefulSet } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { semanticEqual } from '../shared/hash.js';
import { controllerReference, isBeingDeleted } from '../shared/owners.js';
import { errorMessage } from '../shared/pod-control.js';
import { claimName, isInRange } from './identity.js';

/** The PersistentVolumeClaims of a StatefulSet's pods, and who owns them by the set's retention policy. */

interface Identity {
  set: V1StatefulSet;
  /** The pod, or one that is about to be made and has no uid. */
  pod: V1Pod;
  ordinal: number;
}

/** Creates the claims of a pod that are missing. Throws when one is being deleted: the pod must not get its old volume. */
export async function createMissingClaims(context: ControllerContext, identity: Identity): Promise<void> {
  const { set, pod, ordinal } = identity;
  const templates = set.spec?.volumeClaimTemplates ?? [];
  if (templates.length === 0) return;
  const view = await context.view(persistentVolumeClaims);
  const problems: string[] = [];
  for (const template of templates) {
    const name = claimName(set, template.metadata?.name ?? '', ordinal);
    const present = view.get(set.metadata?.namespace, name);
    if (present === undefined) {
      const problem = await createClaim(context, set, pod, newClaim(set, template, name));
      if (problem !== undefined) problems.push(problem);
    } else if (isBeingDeleted(present)) {
      problems.push(`pvc ${name} is being deleted`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join(', '));
}

function newClaim(set: V1StatefulSet, template: V1PersistentVolumeClaim, name: string): V1PersistentVolumeClaim {
  const { metadata, spec } = structuredClone(template);
  return {
    metadata: {
      ...metadata,
      name,
      namespace: set.metadata?.namespace,
      labels: { ...metadata?.labels, ...set.spec?.selector.matchLabels },
    },
    spec,
  };
}

async function createClaim(
  context: ControllerContext,
  set: V1StatefulSet,
  pod: V1Pod,
  claim: V1PersistentVolumeClaim,
): Promise<string | undefined> {
  const name = claim.metadata?.name ?? '';
  const owners = `Pod ${pod.metadata?.name ?? ''} in StatefulSet ${set.metadata?.name ?? ''}`;
  try {
    await context.client.create(persistentVolumeClaims, claim);
    await context.events.normal(set, 'SuccessfulCreate', `Create Claim ${name} ${owners} success`);
    return undefined;
  } catch (error) {
    const message = errorMessage(error);
    if (!isApiError(error, 'AlreadyExists')) {
      await context.events.warning(set, 'FailedCreate', `Create Claim ${name} for ${owners} failed error: ${message}`);
    }
    return `failed to create PVC ${name}: ${message}`;
  }
}

/** Whether a claim still belongs to an earlier pod of the same name and goes away with it. */
export async function hasStaleClaim(context: ControllerContext, identity: Identity): Promise<boolean> {
  if (retentionPolicy(identity.set).whenScaled === 'Retain') return false;
  const claims = await presentClaims(context, identity);
  return claims.some((claim) => isStale(claim, pods, identity.pod));
}

/** Whether the owners of a pod's claims are those that the retention policy asks for. */
export async function claimsMatchPolicy(context: ControllerContext, identity: Identity): Promise<boolean> {
  const claims = await presentClaims(context, identity);
  return claims.every((claim) => semanticEqual(ownersByPolicy(claim, identity), claim.metadata?.ownerReferences ?? []));
}

/** Gives a pod's claims the owners that the retention policy asks for. */
export async function applyRetentionPolicy(context: ControllerContext, identity: Identity): Promise<void> {
  for (const claim of await presentClaims(context, identity)) {
    if (hasOtherController(claim, identity)) {
      const message =
        `PersistentVolumeClaim ${claim.metadata?.name ?? ''} has a conflicting OwnerReference that acts as a manging ` +
        'controller, the retention policy is ignored for this claim';
      await context.events.warning(identity.set, 'ConflictingController', message);
    }
    const ownerReferences = ownersByPolicy(claim, identity);
    if (semanticEqual(ownerReferences, claim.metadata?.ownerReferences ?? [])) continue;
    await context.client.update(persistentVolumeClaims, {
      ...claim,
      metadata: { ...claim.metadata, ownerReferences },
    });
  }
}

async function presentClaims(
  context: ControllerContext,
  { set, ordinal }: Identity,
): Promise<V1PersistentVolumeClaim[]> {
  const templates = set.spec?.volumeClaimTemplates ?? [];
  if (templates.length === 0) return [];
  const view = await context.view(persistentVolumeClaims);
  return templates
    .map(({ metadata }) => view.get(set.metadata?.namespace, claimName(set, metadata?.name ?? '', ordinal)))
    .filter((claim) => claim !== undefined);
}

function retentionPolicy(set: V1StatefulSet): { whenDeleted: string; whenScaled: string } {
  const policy = set.spec?.persistentVolumeClaimRetentionPolicy;
  return { whenDeleted: policy?.whenDeleted ?? 'Retain', whenScaled: policy?.whenScaled ?? 'Retain' };
}

/**
 * A claim that is to be deleted with its set is owned by the set; one that is to be deleted by scaling down is owned by its pod
 * once the pod is condemned, and not before, lest a restart of the pod deletes it. A claim that somebody else controls is left
 * to them, and one of an earlier pod or set goes away with that.
 */
export function ownersByPolicy(claim: V1PersistentVolumeClaim, identity: Identity): OwnerReference[] {
  const { set, pod, ordinal } = identity;
  const present = claim.metadata?.ownerReferences ?? [];
  if (isStale(claim, statefulSets, set) || isStale(claim, pods, pod)) return present;
  const others = present.filter(
    (reference) => !refersTo(reference, statefulSets, set) && !refersTo(reference, pods, pod),
  );
  if (hasOtherController(claim, identity)) return others;

  const { whenDeleted, whenScaled } = retentionPolicy(set);
  const condemned = !isInRange(set, ordinal);
  if (whenScaled === 'Delete' && condemned) return [...others, controllerReference(pods, pod)];
  return whenDeleted === 'Delete' ? [...others, controllerReference(statefulSets, set)] : others;
}

function hasOtherController(claim: V1PersistentVolumeClaim, { set, pod }: Identity): boolean {
  const { whenDeleted, whenScaled } = retentionPolicy(set);
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false;
  return (claim.metadata?.ownerReferences ?? []).some((reference) => {
    if (refersTo(reference, statefulSets, set)) return reference.uid !== set.metadata?.uid;
    if (refersTo(reference, pods, pod)) return reference.uid !== pod.metadata?.uid;
    return reference.controller === true;
  });
}

function isStale<T extends KubernetesObject>(claim: KubernetesObject, resource: Resource<T>, owner: T): boolean {
  const reference = claim.metadata?.ownerReferences?.find((one) => refersTo(one, resource, owner));
  return reference !== undefined && reference.uid !== owner.metadata?.uid;
}

/** By kind and name: the uid may be that of an earlier object. */
function refersTo<T extends KubernetesObject>(reference: OwnerReference, resource: Resource<T>, owner: T): boolean {
  return (
    reference.kind === resource.kind &&
    reference.apiVersion === apiVersionOf(resource.group, resource.version) &&
    reference.name === owner.metadata?.name
  );
}

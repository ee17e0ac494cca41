import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { deployments, replicaSets } from '../../../lib/client/resources.js';
import type { V1Deployment, V1PodTemplateSpec, V1ReplicaSet } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { canonicalJson, nameHash, semanticEqual } from '../shared/hash.js';
import { byCreation, controllerReference, isBeingDeleted, isControlledBy } from '../shared/owners.js';
import { errorMessage, isNamespaceTerminating } from '../shared/pod-control.js';
import { sizeOf, desiredReplicas, maxSurge, newReplicaSetSize } from './sizes.js';
import {
  annotationsOfNewReplicaSet,
  compareRevisions,
  maxRevision,
  revisionOf,
  REVISION_ANNOTATION,
  sizeAnnotations,
  TEMPLATE_HASH_LABEL,
} from './annotations.js';
import {
  deploymentCondition,
  hasProgressDeadline,
  hasRevisionHistoryLimit,
  newCondition,
  setCondition,
} from './status.js';

/** A name is at most this long. */
const NAME_LENGTH_MAX = 253;

/**
 * One reconcile of a Deployment: a draft of it, whose status and annotations are written once at the end, and its ReplicaSets
 * as they are after each write.
 */
export class Rollout {
  readonly context: ControllerContext;
  /** A copy that may be changed. */
  readonly deployment: V1Deployment;
  #replicaSets: V1ReplicaSet[];
  #currentUid: string | undefined;

  constructor(context: ControllerContext, deployment: V1Deployment, owned: readonly V1ReplicaSet[]) {
    this.context = context;
    this.deployment = deployment;
    deployment.status ??= {};
    this.#replicaSets = [...owned].sort(byCreation);
    const template = canonicalJson(withoutHash(deployment.spec?.template));
    this.#currentUid = this.#replicaSets.find(
      ({ spec }) => canonicalJson(withoutHash(spec?.template)) === template,
    )?.metadata?.uid;
  }

  /** All ReplicaSets, the oldest first. */
  get all(): readonly V1ReplicaSet[] {
    return this.#replicaSets;
  }

  /** The one with the present template; the oldest, should there be several. */
  get current(): V1ReplicaSet | undefined {
    return this.#replicaSets.find(({ metadata }) => metadata?.uid === this.#currentUid);
  }

  get old(): V1ReplicaSet[] {
    return this.#replicaSets.filter(({ metadata }) => metadata?.uid !== this.#currentUid);
  }

  get activeOld(): V1ReplicaSet[] {
    return this.old.filter((replicaSet) => sizeOf(replicaSet) > 0);
  }

  /** Gives the current ReplicaSet, if there is one, the newest revision, and the Deployment the same. */
  async syncRevision(): Promise<void> {
    const { deployment } = this;
    const current = this.current;
    if (current === undefined) return;
    const present = current.metadata?.annotations ?? {};
    const annotations = annotationsOfNewReplicaSet(deployment, present, maxRevision(this.old) + 1n);
    const minReadySeconds = deployment.spec?.minReadySeconds;
    if (!semanticEqual(annotations, present) || (current.spec?.minReadySeconds ?? 0) !== (minReadySeconds ?? 0)) {
      await this.#update({
        ...current,
        metadata: { ...current.metadata, annotations },
        spec: { ...current.spec, selector: current.spec?.selector ?? {}, minReadySeconds },
      });
    }
    this.#setRevision(annotations[REVISION_ANNOTATION] ?? '');
    if (hasProgressDeadline(deployment) && deploymentCondition(deployment.status, 'Progressing') === undefined) {
      const message = `Found new replica set ${JSON.stringify(current.metadata?.name)}`;
      this.#setProgressing('True', 'FoundNewReplicaSet', message);
    }
  }

  /** The ReplicaSet with the present template, created if there is none. */
  async ensureCurrent(): Promise<V1ReplicaSet> {
    return this.current ?? (await this.#create());
  }

  async #create(): Promise<V1ReplicaSet> {
    const { context, deployment } = this;
    const { template, selector, minReadySeconds } = deployment.spec ?? {};
    const hash = nameHash(template, deployment.status?.collisionCount);
    const name = `${(deployment.metadata?.name ?? '').slice(0, NAME_LENGTH_MAX - hash.length - 1)}-${hash}`;
    const labels = { ...template?.metadata?.labels, [TEMPLATE_HASH_LABEL]: hash };
    const revision = maxRevision(this.all) + 1n;
    const size = newReplicaSetSize(deployment, this.all, undefined);
    const desired = desiredReplicas(deployment);
    const wanted: V1ReplicaSet = {
      metadata: {
        name,
        namespace: deployment.metadata?.namespace,
        labels,
        annotations: {
          ...annotationsOfNewReplicaSet(deployment, {}, revision),
          ...sizeAnnotations(desired, desired + maxSurge(deployment)),
        },
        ownerReferences: [controllerReference(deployments, deployment)],
      },
      spec: {
        replicas: size,
        minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, [TEMPLATE_HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...template?.metadata, labels } },
      },
    };
    let created: V1ReplicaSet;
    try {
      created = await context.client.create(replicaSets, wanted);
    } catch (error) {
      created = await this.#resolveFailedCreate(wanted, error);
    }
    this.#replicaSets = [...this.#replicaSets, created].sort(byCreation);
    this.#currentUid = created.metadata?.uid;
    if (size > 0) {
      const message = `Scaled up replica set ${name} from 0 to ${size}`;
      await context.events.normal(deployment, 'ScalingReplicaSet', message);
    }
    this.#setRevision(String(revision));
    if (hasProgressDeadline(deployment)) {
      this.#setProgressing('True', 'NewReplicaSetCreated', `Created new replica set ${JSON.stringify(name)}`);
    }
    return created;
  }

  /** A taken name is ours after a crash, or a collision of hashes, which the next reconcile avoids by a higher count. */
  async #resolveFailedCreate(wanted: V1ReplicaSet, error: unknown): Promise<V1ReplicaSet> {
    const { context, deployment } = this;
    if (isApiError(error, 'AlreadyExists')) {
      const existing = await context.client.get(replicaSets, refOf(wanted));
      if (isControlledBy(existing, deployment) && equalTemplates(existing.spec?.template, deployment.spec?.template)) {
        return existing;
      }
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      await context.client.updateStatus(deployments, {
        ...deployment,
        status: { ...deployment.status, collisionCount },
      });
      throw error;
    }
    if (isNamespaceTerminating(error)) throw error;
    const name = JSON.stringify(wanted.metadata?.name);
    const message = `Failed to create new replica set ${name}: ${errorMessage(error)}`;
    if (hasProgressDeadline(deployment)) {
      this.#setProgressing('False', 'ReplicaSetCreateError', message);
      await context.client.updateStatus(deployments, deployment);
    }
    await context.events.warning(deployment, 'ReplicaSetCreateError', message);
    throw error;
  }

  /**
   * Sets the size of a ReplicaSet, with annotations that tell a later scaling what the rollout's size was. True if its
   * size changed.
   */
  async scale(replicaSet: V1ReplicaSet, size: number): Promise<boolean> {
    const { context, deployment } = this;
    const before = sizeOf(replicaSet);
    const desired = desiredReplicas(deployment);
    const annotations = {
      ...replicaSet.metadata?.annotations,
      ...sizeAnnotations(desired, desired + maxSurge(deployment)),
    };
    if (before === size && semanticEqual(annotations, replicaSet.metadata?.annotations)) return false;
    await this.#update({
      ...replicaSet,
      metadata: { ...replicaSet.metadata, annotations },
      spec: { ...replicaSet.spec, selector: replicaSet.spec?.selector ?? {}, replicas: size },
    });
    if (before === size) return false;
    const direction = before < size ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${replicaSet.metadata?.name ?? ''} from ${before} to ${size}`;
    await context.events.normal(deployment, 'ScalingReplicaSet', message);
    return true;
  }

  /** Deletes the oldest revisions above spec.revisionHistoryLimit that have no pods. */
  async cleanUpHistory(): Promise<void> {
    const { deployment, context } = this;
    if (!hasRevisionHistoryLimit(deployment)) return;
    const alive = this.old.filter((replicaSet) => !isBeingDeleted(replicaSet));
    const surplus = alive.length - (deployment.spec?.revisionHistoryLimit ?? 0);
    if (surplus <= 0) return;
    const oldestFirst = [...alive].sort(
      (left, right) => compareRevisions(revisionOf(left) ?? 0n, revisionOf(right) ?? 0n) || byCreation(left, right),
    );
    for (const replicaSet of oldestFirst.slice(0, surplus)) {
      const { metadata, status } = replicaSet;
      const observed = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
      if (!observed || sizeOf(replicaSet) > 0 || (status?.replicas ?? 0) > 0) continue;
      await context.client.ensureDeleted(replicaSets, refOf(replicaSet), {
        propagationPolicy: 'Background',
        preconditions: { uid: metadata?.uid },
      });
    }
  }

  #setRevision(revision: string): void {
    const { metadata } = this.deployment;
    if (metadata !== undefined) metadata.annotations = { ...metadata.annotations, [REVISION_ANNOTATION]: revision };
  }

  #setProgressing(status: 'True' | 'False', reason: string, message: string): void {
    const condition = newCondition('Progressing', status, reason, message, this.context.clock.now());
    setCondition((this.deployment.status ??= {}), condition);
  }

  async #update(changed: V1ReplicaSet): Promise<void> {
    const updated = await this.context.client.update(replicaSets, changed);
    this.#replicaSets = this.#replicaSets.map((one) => (one.metadata?.uid === updated.metadata?.uid ? updated : one));
  }
}

/** The label with the hash is the ReplicaSet's own. */
export function equalTemplates(left: V1PodTemplateSpec | undefined, right: V1PodTemplateSpec | undefined): boolean {
  return semanticEqual(withoutHash(left), withoutHash(right));
}

export function withoutHash(template: V1PodTemplateSpec | undefined): V1PodTemplateSpec {
  const { [TEMPLATE_HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

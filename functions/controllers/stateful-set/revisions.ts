import { isApiError } from '../../../lib/api/errors.js';
import { controllerRevisions, statefulSets } from '../../../lib/client/resources.js';
import type { V1ControllerRevision, V1Pod, V1StatefulSet } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { nameHash } from '../shared/hash.js';
import { controllerReference } from '../shared/owners.js';
import { isRevisionOf, revisionData, revisionTemplate, truncateRevisions } from '../shared/revisions.js';
import { podRevision } from './identity.js';

/** The label of a revision with the hash in its name. */
const HASH_LABEL = 'controller.kubernetes.io/hash';

/** A revision's name is the set's, cut to this length, and a hash. */
const NAME_PREFIX_LENGTH_MAX = 223;

export interface Revisions {
  /** The revision that pods not yet reached by an update have. */
  readonly current: V1ControllerRevision;
  /** The revision of the present template. */
  readonly update: V1ControllerRevision;
  readonly collisionCount: number;
}

/**
 * Finds the revision of the present template among the set's, or makes it. A template that comes back gets its old revision
 * with a new number.
 */
export async function findRevisions(
  context: ControllerContext,
  set: V1StatefulSet,
  revisions: readonly V1ControllerRevision[],
): Promise<Revisions> {
  const newest = revisions.at(-1);
  const equal = revisions.filter((revision) => isRevisionOf(revision, set.spec?.template)).at(-1);
  let { collisionCount = 0 } = set.status ?? {};
  let update: V1ControllerRevision;
  if (equal !== undefined) {
    const number = (newest?.revision ?? 0) + 1;
    update =
      equal === newest ? equal : await context.client.update(controllerRevisions, { ...equal, revision: number });
  } else {
    const created = await createRevision(context, set, (newest?.revision ?? 0) + 1, collisionCount);
    ({ collisionCount } = created);
    update = created.revision;
  }
  const current = revisions.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? update;
  return { current, update, collisionCount };
}

async function createRevision(
  context: ControllerContext,
  set: V1StatefulSet,
  number: number,
  collisionCount: number,
): Promise<{ revision: V1ControllerRevision; collisionCount: number }> {
  const { namespace, name = '', annotations } = set.metadata ?? {};
  for (let count = collisionCount; ; count++) {
    const hash = nameHash(revisionData(set.spec?.template), count);
    const revision: V1ControllerRevision = {
      metadata: {
        namespace,
        name: `${name.slice(0, NAME_PREFIX_LENGTH_MAX)}-${hash}`,
        labels: { ...set.spec?.template.metadata?.labels, [HASH_LABEL]: hash },
        annotations,
        ownerReferences: [controllerReference(statefulSets, set)],
      },
      data: revisionData(set.spec?.template),
      revision: number,
    };
    try {
      return { revision: await context.client.create(controllerRevisions, revision), collisionCount: count };
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      const taken = await context.client.get(controllerRevisions, { namespace, name: revision.metadata?.name ?? '' });
      if (isRevisionOf(taken, set.spec?.template)) return { revision: taken, collisionCount: count };
    }
  }
}

/** The set as it was with a revision's template. */
export function atRevision(set: V1StatefulSet, revision: V1ControllerRevision): V1StatefulSet {
  return set.spec === undefined ? set : { ...set, spec: { ...set.spec, template: revisionTemplate(revision) } };
}

/** Deletes the oldest revisions above spec.revisionHistoryLimit that neither the set nor a pod uses. */
export async function cleanUpRevisions(
  context: ControllerContext,
  set: V1StatefulSet,
  pods: readonly V1Pod[],
  revisions: readonly V1ControllerRevision[],
  { current, update }: Revisions,
): Promise<void> {
  const used = new Set([current.metadata?.name, update.metadata?.name, ...pods.map(podRevision)]);
  const unused = revisions.filter(({ metadata }) => !used.has(metadata?.name));
  await truncateRevisions(context, unused, set.spec?.revisionHistoryLimit ?? 10);
}

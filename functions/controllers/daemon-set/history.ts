import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { controllerRevisions, daemonSets, pods } from '../../../lib/client/resources.js';
import type { V1ControllerRevision, V1DaemonSet, V1Pod } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { claimChildren } from '../shared/claim.js';
import { nameHash } from '../shared/hash.js';
import { matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { controllerReference } from '../shared/owners.js';
import { byRevision, isRevisionOf, revisionData, REVISION_HASH_LABEL } from '../shared/revisions.js';

export interface History {
  /** The revision of the present template. */
  readonly current: V1ControllerRevision;
  readonly old: readonly V1ControllerRevision[];
}

/** The hash that pods of this revision carry. */
export function hashOf(revision: V1ControllerRevision): string {
  return revision.metadata?.labels?.[REVISION_HASH_LABEL] ?? revision.metadata?.name ?? '';
}

/** Finds or makes the revision of the present template, which always has the highest number. */
export async function findHistory(
  context: ControllerContext,
  daemonSet: V1DaemonSet,
  owned: readonly V1Pod[],
): Promise<History> {
  const revisions = await claimChildren(context, {
    owner: daemonSet,
    ownerResource: daemonSets,
    childResource: controllerRevisions,
    selects: ({ metadata }) => matchesLabelSelector(daemonSet.spec?.selector, metadata?.labels),
  });
  const equal: V1ControllerRevision[] = [];
  const old: V1ControllerRevision[] = [];
  for (const revision of revisions) {
    (isRevisionOf(revision, daemonSet.spec?.template) ? equal : old).push(await withHashLabel(context, revision));
  }
  const number = Math.max(0, ...old.map(({ revision }) => revision)) + 1;
  const present = await deduplicate(context, equal.sort(byRevision), owned);
  if (present === undefined) return { current: await createRevision(context, daemonSet, number), old };
  if (present.revision >= number) return { current: present, old };
  return { current: await context.client.update(controllerRevisions, { ...present, revision: number }), old };
}

async function withHashLabel(
  context: ControllerContext,
  revision: V1ControllerRevision,
): Promise<V1ControllerRevision> {
  const { metadata } = revision;
  if (metadata?.labels?.[REVISION_HASH_LABEL] !== undefined) return revision;
  const labels = { ...metadata?.labels, [REVISION_HASH_LABEL]: metadata?.name ?? '' };
  return context.client.update(controllerRevisions, { ...revision, metadata: { ...metadata, labels } });
}

/** Of several revisions with the same template the newest stays, and the pods get its hash. */
async function deduplicate(
  context: ControllerContext,
  equal: readonly V1ControllerRevision[],
  owned: readonly V1Pod[],
): Promise<V1ControllerRevision | undefined> {
  const kept = equal.at(-1);
  if (kept === undefined || equal.length === 1) return kept;
  const hash = hashOf(kept);
  const duplicates = new Set(equal.slice(0, -1).map(hashOf));
  for (const pod of owned) {
    if (!duplicates.has(pod.metadata?.labels?.[REVISION_HASH_LABEL] ?? '')) continue;
    await context.client.patch(pods, refOf(pod), 'merge', { metadata: { labels: { [REVISION_HASH_LABEL]: hash } } });
  }
  for (const duplicate of equal.slice(0, -1)) {
    await context.client.ensureDeleted(controllerRevisions, refOf(duplicate));
  }
  return kept;
}

async function createRevision(
  context: ControllerContext,
  daemonSet: V1DaemonSet,
  number: number,
): Promise<V1ControllerRevision> {
  const { namespace, name = '', annotations } = daemonSet.metadata ?? {};
  const template = daemonSet.spec?.template;
  const hash = nameHash(template, daemonSet.status?.collisionCount);
  const revision: V1ControllerRevision = {
    metadata: {
      namespace,
      name: `${name}-${hash}`,
      labels: { ...template?.metadata?.labels, [REVISION_HASH_LABEL]: hash },
      annotations,
      ownerReferences: [controllerReference(daemonSets, daemonSet)],
    },
    data: revisionData(template),
    revision: number,
  };
  try {
    return await context.client.create(controllerRevisions, revision);
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
    const taken = await context.client.get(controllerRevisions, refOf(revision));
    if (isRevisionOf(taken, template)) return taken;
    // Another template has this hash: the next reconcile avoids it by a higher count.
    const collisionCount = (daemonSet.status?.collisionCount ?? 0) + 1;
    await context.client.patch(
      daemonSets,
      refOf(daemonSet),
      'merge',
      { status: { collisionCount } },
      { subresource: 'status' },
    );
    throw error;
  }
}

/** Deletes the oldest revisions above spec.revisionHistoryLimit of which no pod is left. */
export async function cleanUpHistory(
  context: ControllerContext,
  daemonSet: V1DaemonSet,
  owned: readonly V1Pod[],
  old: readonly V1ControllerRevision[],
): Promise<void> {
  let surplus = old.length - (daemonSet.spec?.revisionHistoryLimit ?? 10);
  const live = new Set(owned.map(({ metadata }) => metadata?.labels?.[REVISION_HASH_LABEL]));
  for (const revision of [...old].sort(byRevision)) {
    if (surplus <= 0) return;
    if (live.has(hashOf(revision))) continue;
    await context.client.ensureDeleted(controllerRevisions, refOf(revision));
    surplus--;
  }
}

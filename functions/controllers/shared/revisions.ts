import type { KubernetesObject } from '../../../lib/api/meta.js';
import { refOf } from '../../../lib/client/client.js';
import { controllerRevisions } from '../../../lib/client/resources.js';
import type { Resource } from '../../../lib/client/resource.js';
import type { V1ControllerRevision, V1LabelSelector, V1PodTemplateSpec } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { claimChildren } from './claim.js';
import { semanticEqual } from './hash.js';
import { matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { byCreation } from './owners.js';

/** The label by which pods name the revision they were made from. */
export const REVISION_HASH_LABEL = 'controller-revision-hash';

/** A workload that keeps its former templates as ControllerRevisions. */
export interface RevisionOwner extends KubernetesObject {
  spec?: { selector: V1LabelSelector; template: V1PodTemplateSpec; revisionHistoryLimit?: number };
}

/** What a revision keeps: a strategic merge patch that puts the template back, which is how `kubectl rollout undo` uses it. */
export function revisionData(template: V1PodTemplateSpec | undefined): unknown {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision keeps. */
export function revisionTemplate(revision: V1ControllerRevision): V1PodTemplateSpec {
  const { spec } = revision.data as { spec: { template: V1PodTemplateSpec & { $patch?: string } } };
  const { $patch: _patch, ...template } = spec.template;
  return template;
}

export function isRevisionOf(revision: V1ControllerRevision, template: V1PodTemplateSpec | undefined): boolean {
  return semanticEqual(revision.data, revisionData(template));
}

/** The workload's revisions, the oldest first; matching ones without an owner are adopted. */
export async function claimRevisions<O extends RevisionOwner>(
  context: ControllerContext,
  resource: Resource<O>,
  owner: O,
): Promise<V1ControllerRevision[]> {
  const selects = (revision: V1ControllerRevision): boolean =>
    matchesLabelSelector(owner.spec?.selector, revision.metadata?.labels);
  const claimed = await claimChildren(context, {
    owner,
    ownerResource: resource,
    childResource: controllerRevisions,
    selects,
    considers: selects,
  });
  return claimed.sort(byRevision);
}

export function byRevision(left: V1ControllerRevision, right: V1ControllerRevision): number {
  return left.revision - right.revision || byCreation(left, right);
}

/** Deletes the oldest revisions above the limit of those that are not in use. */
export async function truncateRevisions(
  context: ControllerContext,
  unused: readonly V1ControllerRevision[],
  limit: number,
): Promise<void> {
  for (const revision of [...unused].sort(byRevision).slice(0, Math.max(0, unused.length - limit))) {
    await context.client.ensureDeleted(controllerRevisions, refOf(revision));
  }
}

import type { WithMeta } from './metadata.js';
import type { Resource } from './catalog.js';

/** True when a deleted object is held by nothing any more: no finalizer, no grace period that runs. */
export function isFinished(resource: Resource, object: WithMeta): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    deletionGracePeriodSeconds === 0 &&
    finalizers.length === 0 &&
    resource.definition.holdsDeletion?.(object) !== true
  );
}

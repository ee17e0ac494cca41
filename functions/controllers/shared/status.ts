import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { refOf } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { sameObject } from './owners.js';

/** A count as Kubernetes writes it where the field is optional: 0 is left out. */
export function nonZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}

type WithStatus = KubernetesObject & { status?: unknown };

/**
 * Writes a status. When the object has changed meanwhile, its newest version gets the status once more: what was counted is
 * still the newest count, and `observedGeneration` in it says which spec it is about.
 */
export async function writeStatus<T extends WithStatus>(
  context: ControllerContext,
  resource: Resource<T>,
  object: T,
  status: T['status'],
): Promise<T> {
  try {
    return await context.client.updateStatus(resource, { ...object, status });
  } catch (error) {
    if (!isApiError(error, 'Conflict')) throw error;
    const fresh = await context.client.get(resource, refOf(object));
    if (!sameObject(fresh, object)) throw error;
    return context.client.updateStatus(resource, { ...fresh, status });
  }
}

import type { KubernetesObject } from '../../lib/api/meta.js';
import { keyOf } from '../../lib/client/client.js';
import { collectionName, type Resource } from '../../lib/client/resource.js';
import type { Controller, Lookup } from '../../lib/work/controller.js';
import { customResources } from '../controllers/shared/custom-resources.js';
import type { Dispatcher } from './dispatcher.js';

/**
 * Queues every key that any present object concerns: what lost or never delivered hints would have queued. `round` tells resyncs apart. Goes
 * on past objects that fail, and throws the first error at the end.
 */
export async function resync(
  controllers: readonly Controller[],
  dispatcher: Dispatcher,
  lookup: Lookup,
  round: string,
): Promise<void> {
  const resources = new Map<string, Resource<KubernetesObject>>();
  for (const controller of controllers) {
    for (const { resource } of controller.watches) resources.set(collectionName(resource), resource);
  }
  if (controllers.some(({ customKeys }) => customKeys !== undefined)) {
    for (const resource of await customResources(lookup)) {
      const collection = collectionName(resource);
      if (!resources.has(collection)) resources.set(collection, resource);
    }
  }
  const errors: unknown[] = [];
  for (const [collection, resource] of resources) {
    const view = await lookup.view(resource);
    for (const object of view.list()) {
      try {
        await dispatcher.dispatchObject(collection, object, `resync:${round}:${collection}:${keyOf(object)}`);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  if (errors.length > 0) throw errors[0];
}

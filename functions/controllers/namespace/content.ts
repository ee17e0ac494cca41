import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { collectionName } from '../../../lib/client/resource.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { collectedResources } from '../garbage-collector/resources.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { isPodTerminal } from '../shared/pods.js';
import type { DeletableResource } from './discovery.js';

/** Objects deleted, or read to count what is left, by one request. */
const PAGE_SIZE = 500;

/** How long things with finalizers are expected to take. */
export const FINALIZER_ESTIMATE_SECONDS = 15;

/** What is left of one resource in the namespace after its deletion was asked for. */
export interface Remains {
  readonly resource: DeletableResource;
  readonly count: number;
  /** How many objects each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** When they should be gone; 0 where nothing is left, or where nothing explains what is left. */
  readonly estimateSeconds: number;
}

/** Deletes all objects of one resource in the namespace and tells what is left, because of finalizers or grace periods. */
export async function deleteContent(
  context: ControllerContext,
  resource: DeletableResource,
  namespace: string,
  secondsSinceDeletion: number,
): Promise<Remains> {
  const present = await listAll(context, resource, namespace);
  const isUntouched = present.some(({ metadata }) => metadata?.deletionTimestamp === undefined);
  if (isUntouched) await deleteAll(context, resource, namespace, present);
  const left = isUntouched ? await listAll(context, resource, namespace) : present;
  const finalizers = new Map<string, number>();
  for (const finalizer of left.flatMap((object) => object.metadata?.finalizers ?? [])) {
    finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  const graceSeconds = Math.max(0, ...left.map(gracePeriodSeconds));
  const estimateSeconds =
    graceSeconds > secondsSinceDeletion ? graceSeconds : finalizers.size > 0 ? FINALIZER_ESTIMATE_SECONDS : 0;
  return { resource, count: left.length, finalizers, estimateSeconds };
}

async function deleteAll(
  { client }: ControllerContext,
  resource: DeletableResource,
  namespace: string,
  present: readonly KubernetesObject[],
): Promise<void> {
  if (resource.hasDeleteCollection) {
    let token: string | undefined;
    do {
      const query = { namespace, limit: PAGE_SIZE, continue: token };
      const page = await client.deleteCollection(resource, query, { propagationPolicy: 'Background' });
      token = (page.metadata as { continue?: string }).continue;
    } while (token);
    return;
  }
  for (const object of present) {
    const { name = '', uid } = object.metadata ?? {};
    const query = { propagationPolicy: 'Background', preconditions: { uid } } as const;
    await client.ensureDeleted(resource, { namespace, name }, query);
  }
}

/** From replicas where controllers have one of that resource anyway. */
async function listAll(
  { client, view }: ControllerContext,
  resource: DeletableResource,
  namespace: string,
): Promise<KubernetesObject[]> {
  const known = collectedResources.get(collectionName(resource));
  if (known !== undefined) return (await view(known)).list(namespace);
  const objects: KubernetesObject[] = [];
  let page = await client.list(resource, { namespace, limit: PAGE_SIZE });
  for (;;) {
    objects.push(...page.items);
    if (page.continue === undefined) return objects;
    page = await client.list(resource, { namespace, limit: PAGE_SIZE, continue: page.continue });
  }
}

/** Only pods end gracefully, and only those that have not ended yet. */
function gracePeriodSeconds(object: KubernetesObject): number {
  if (object.kind !== 'Pod' || isPodTerminal(object as V1Pod)) return 0;
  return (object as V1Pod).spec?.terminationGracePeriodSeconds ?? 0;
}

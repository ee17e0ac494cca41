import { deepEqual } from '../../lib/api/equality.js';
import { isApiError } from '../../lib/api/errors.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { keyOf } from '../../lib/client/client.js';
import type { Resource } from '../../lib/client/resource.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { V1CustomResourceDefinition } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext, type Outcome } from '../../lib/work/controller.js';
import { CLEANUP_FINALIZER, establish, hasCondition, setCondition } from '../apiserver/custom/definition-conditions.js';
import { customResourceDefinitions, definedResource } from './shared/custom-resources.js';

/** When to look again whether the finalizers of its last objects have gone. */
const RETRY_MS = 5_000;
const PAGE_SIZE = 500;

/**
 * Deletes all objects of a definition that is being deleted and then lets it go, and gives names that have become free to definitions that
 * wait for them. Keys are names of definitions.
 */
export const customResourceDefinitionController: Controller = {
  name: 'custom-resource-definition',
  watches: [
    watch(customResourceDefinitions, async ({ type, object, previous }, lookup) => {
      const isFreed = type === 'deleted' || !deepEqual(previous?.status?.acceptedNames, object.status?.acceptedNames);
      const waiting = isFreed
        ? (await lookup.view(customResourceDefinitions))
            .list()
            .filter((one) => one.spec?.group === object.spec?.group && !hasCondition(one, 'NamesAccepted'))
        : [];
      return [...(type !== 'deleted' && isGoing(object) ? [keyOf(object)] : []), ...waiting.map(keyOf)];
    }),
  ],
  /** The last object of a definition that is going. */
  async customKeys({ group, plural }, { type }, lookup) {
    if (type !== 'deleted') return [];
    const definition = (await lookup.view(customResourceDefinitions)).get(undefined, `${plural}.${group}`);
    return definition !== undefined && isGoing(definition) ? [keyOf(definition)] : [];
  },
  async reconcile(name, context) {
    const view = await context.view(customResourceDefinitions);
    const definition = view.get(undefined, name);
    if (definition === undefined) return undefined;
    if (isGoing(definition)) return clean(definition, context);
    return hasCondition(definition, 'NamesAccepted') ? undefined : claimNames(definition, view.list(), context);
  },
};

function isGoing({ metadata }: V1CustomResourceDefinition): boolean {
  return metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(CLEANUP_FINALIZER);
}

/** Asks for names that seem to be free. The API server decides, and knows of others who are about to take them. */
async function claimNames(
  definition: V1CustomResourceDefinition,
  all: readonly V1CustomResourceDefinition[],
  { client, clock }: ControllerContext,
): Promise<Outcome> {
  const changed = structuredClone(definition);
  establish(changed, all, formatTime(clock.now()));
  if (deepEqual(changed.status, definition.status)) return undefined;
  const written = await client.updateStatus(customResourceDefinitions, changed);
  return hasCondition(changed, 'NamesAccepted') && !hasCondition(written, 'NamesAccepted')
    ? { requeueAfterMs: RETRY_MS }
    : undefined;
}

async function clean(definition: V1CustomResourceDefinition, context: ControllerContext): Promise<Outcome> {
  const resource = definedResource(definition);
  if (resource === undefined) return finish(definition, context, 'NeverEstablished', 'resource was never established');
  const left = await deleteAll(resource, context);
  if (left === 0) return finish(definition, context, 'InstanceDeletionCompleted', 'removed all instances');
  const told = structuredClone(definition);
  const condition = { reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' };
  setCondition(told, { type: 'Terminating', status: 'True', ...condition }, formatTime(context.clock.now()));
  if (!deepEqual(told.status, definition.status)) await context.client.updateStatus(customResourceDefinitions, told);
  return { requeueAfterMs: RETRY_MS };
}

/** How many objects are left, held by finalizers. */
async function deleteAll(resource: Resource<KubernetesObject>, { client }: ControllerContext): Promise<number> {
  let left = 0;
  let token: string | undefined;
  do {
    const page = await client.list(resource, { limit: PAGE_SIZE, continue: token });
    for (const object of page.items) {
      const { uid, deletionTimestamp } = object.metadata ?? {};
      const ref = { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
      if (deletionTimestamp === undefined) await client.ensureDeleted(resource, ref, { preconditions: { uid } });
    }
    token = page.continue;
  } while (token !== undefined);
  const rest = await client.list(resource, { limit: 1 });
  left += rest.items.length;
  return left;
}

async function finish(
  definition: V1CustomResourceDefinition,
  { client, clock }: ControllerContext,
  reason: string,
  message: string,
): Promise<void> {
  const told = structuredClone(definition);
  setCondition(told, { type: 'Terminating', status: 'False', reason, message }, formatTime(clock.now()));
  try {
    const written = await client.updateStatus(customResourceDefinitions, told);
    const { uid, resourceVersion, finalizers = [] } = written.metadata ?? {};
    const left = finalizers.filter((one) => one !== CLEANUP_FINALIZER);
    const patch = { metadata: { uid, resourceVersion, finalizers: left.length === 0 ? null : left } };
    await client.patch(customResourceDefinitions, { name: keyOf(definition) }, 'merge', patch);
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}

import type { KubernetesObject } from '../../lib/api/meta.js';
import { compareQuantities, ZERO_QUANTITY, type Quantity } from '../../lib/api/quantity.js';
import { keyOf, parseKey } from '../../lib/client/client.js';
import { collectionName, type Resource } from '../../lib/client/resource.js';
import { resourceQuotas } from '../../lib/client/resources.js';
import { addInto, filterAmounts, readAmounts, writeAmounts } from '../../lib/quota/amounts.js';
import { CHARGE_SETTLED_MS, LAST_CHARGE_ANNOTATION, lastChargeMs } from '../../lib/quota/last-charge.js';
import { chargedNames, meterOf } from '../../lib/quota/usage.js';
import type { V1ResourceQuota } from '../../lib/schema/generated/types.js';
import {
  watch,
  type Controller,
  type ControllerContext,
  type Lookup,
  type Outcome,
} from '../../lib/work/controller.js';
import { collectedResources } from './garbage-collector/resources.js';
import { discoverResources } from './namespace/discovery.js';
import { semanticEqual } from './shared/hash.js';

/** Objects of a custom resource read at a time. */
const PAGE_SIZE = 500;

const namespacedResources = [...collectedResources.values()].filter(({ namespaced }) => namespaced);

/**
 * Keeps the status of quotas: the hard limits are the spec's, and what is used is counted. The API server charges and gives back as it
 * writes (see functions/apiserver/quota); this controller makes the first count, and finds what a crash left charged.
 */
export const resourceQuotaController: Controller = {
  name: 'resourcequota',
  watches: [
    watch(resourceQuotas, ({ object, previous }) => (isChargeAlone(object, previous) ? [] : [keyOf(object)])),
    ...namespacedResources.map((resource) =>
      watch<KubernetesObject>(resource, ({ type, object }, lookup) =>
        type === 'deleted' ? quotasOf(resource, object, lookup) : [],
      ),
    ),
  ],
  reconcile: reconcileQuota,
};

/** The API server's own change, which needs no look: others may change what is used only together with nothing else. */
function isChargeAlone(object: V1ResourceQuota, previous: V1ResourceQuota | undefined): boolean {
  if (previous === undefined) return false;
  const rest = (quota: V1ResourceQuota): unknown => [quota.spec, quota.status?.hard];
  const annotation = (quota: V1ResourceQuota): unknown => quota.metadata?.annotations?.[LAST_CHARGE_ANNOTATION];
  if (!semanticEqual(rest(object), rest(previous))) return false;
  return annotation(object) !== annotation(previous) || semanticEqual(object.status, previous.status);
}

/** The quotas that count objects of this resource. */
async function quotasOf(
  resource: Resource<KubernetesObject>,
  object: KubernetesObject,
  lookup: Lookup,
): Promise<string[]> {
  const meter = meterOf(resource.group, resource.plural);
  if (meter === undefined) return [];
  const quotas = (await lookup.view(resourceQuotas)).list(object.metadata?.namespace);
  return quotas.filter(({ spec }) => meter.matching(Object.keys(spec?.hard ?? {})).length > 0).map(keyOf);
}

async function reconcileQuota(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace = '', name } = parseKey(key);
  // Read before what it counts: an object that is seen was charged to this state, or the write below conflicts.
  const quota = (await context.view(resourceQuotas)).get(namespace, name);
  if (quota === undefined) return;
  const nowMs = context.clock.now();
  const counted = await count(context, quota, namespace);
  const settledMs = (lastChargeMs(quota) ?? -Infinity) + CHARGE_SETTLED_MS;
  const { used, isHeld } = usedNow(quota, counted, nowMs >= settledMs);
  const status = { hard: writeAmounts(readAmounts(quota.spec?.hard)), used: writeAmounts(used) };
  if (!semanticEqual(status, quota.status)) await context.client.updateStatus(resourceQuotas, { ...quota, status });
  return isHeld ? { requeueAfterMs: settledMs - nowMs } : undefined;
}

/**
 * More than was charged is there for all to see. Less may only mean that a charged write has not arrived yet, or that what a finished
 * one frees is about to be given back: until that is settled the higher number stays.
 */
function usedNow(
  quota: V1ResourceQuota,
  counted: ReadonlyMap<string, Quantity>,
  isSettled: boolean,
): { used: Map<string, Quantity>; isHeld: boolean } {
  const charged = readAmounts(quota.status?.used);
  let isHeld = false;
  const used = new Map<string, Quantity>();
  for (const [name, amount] of counted) {
    const before = charged.get(name);
    const lower = before !== undefined && compareQuantities(amount, before) < 0;
    if (lower && !isSettled) isHeld = true;
    const keep = before !== undefined && (compareQuantities(amount, before) === 0 || (lower && !isSettled));
    used.set(name, keep ? before : amount);
  }
  return { used, isHeld };
}

/** What there is now of everything the quota limits. */
async function count(
  context: ControllerContext,
  quota: V1ResourceQuota,
  namespace: string,
): Promise<Map<string, Quantity>> {
  const hard = quota.spec?.hard ?? {};
  const total = new Map<string, Quantity>(Object.keys(hard).map((name) => [name, ZERO_QUANTITY]));
  const nowMs = context.clock.now();
  for (const resource of await countedResources(context, Object.keys(hard))) {
    const meter = meterOf(resource.group, resource.plural);
    if (meter === undefined) continue;
    for (const object of await listAll(context, resource, namespace)) {
      const names = new Set(chargedNames(meter, quota, object, hard));
      if (names.size > 0)
        addInto(
          total,
          filterAmounts(meter.usage(object, nowMs), (name) => names.has(name)),
        );
    }
  }
  return total;
}

/** The resources that these names count, built in or custom; what is not served has no objects. */
async function countedResources(
  context: ControllerContext,
  names: readonly string[],
): Promise<Resource<KubernetesObject>[]> {
  const found = namespacedResources.filter(
    ({ group, plural }) => (meterOf(group, plural)?.matching(names) ?? []).length > 0,
  );
  const known = new Set(found.flatMap(({ group, plural }) => meterOf(group, plural)?.matching(names) ?? []));
  const unknown = names.filter((name) => name.startsWith('count/') && !known.has(name));
  if (unknown.length === 0) return found;
  const { resources } = await discoverResources(context.client);
  const custom = resources.filter(
    ({ group, plural }) =>
      !collectedResources.has(collectionName({ group, plural })) &&
      (meterOf(group, plural)?.matching(unknown) ?? []).length > 0,
  );
  return [...found, ...custom];
}

/** Built-in resources from the replicas that controllers share, custom ones page by page. */
async function listAll(
  { client, view }: ControllerContext,
  resource: Resource<KubernetesObject>,
  namespace: string,
): Promise<KubernetesObject[]> {
  const known = collectedResources.get(collectionName(resource));
  if (known !== undefined) return (await view(known)).list(namespace);
  const objects: KubernetesObject[] = [];
  let token: string | undefined;
  do {
    const page = await client.list(resource, { namespace, limit: PAGE_SIZE, continue: token });
    objects.push(...page.items);
    token = page.continue;
  } while (token !== undefined);
  return objects;
}

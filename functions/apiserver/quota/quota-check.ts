import { compareQuantities, type Quantity } from '../../../lib/api/quantity.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import {
  addInto,
  difference,
  filterAmounts,
  isPositive,
  readAmounts,
  showAmounts,
} from '../../../lib/quota/amounts.js';
import { chargedNames, type Meter } from '../../../lib/quota/usage.js';
import type { V1ResourceQuota } from '../../../lib/schema/generated/types.js';

/** One write as quotas see it. `object` undefined: a delete; `old` undefined: a create. */
export interface MeteredWrite {
  readonly meter: Meter;
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
  readonly nowMs: number;
  /** What is written is the report of a fact (a status): it is charged, never refused. */
  readonly isReport: boolean;
}

/** How much more (or less) of the quota is used when the write is done; only of what the quota limits, and only what changes. */
export function usageChange(quota: V1ResourceQuota, write: MeteredWrite): Map<string, Quantity> {
  const { meter, object, old, nowMs } = write;
  const of = (one: KubernetesObject | undefined): Map<string, Quantity> => {
    if (one === undefined) return new Map();
    const names = new Set(chargedNames(meter, quota, one));
    return names.size === 0 ? new Map() : filterAmounts(meter.usage(one, nowMs), (name) => names.has(name));
  };
  return filterAmounts(difference(of(object), of(old)), (_, { mantissa }) => mantissa !== 0n);
}

/** What a write takes from the quota. */
export function charge(quota: V1ResourceQuota, write: MeteredWrite): Map<string, Quantity> {
  return filterAmounts(usageChange(quota, write), (_, amount) => isPositive(amount));
}

/** What a write gives back once it is done. */
export function release(quota: V1ResourceQuota, write: MeteredWrite): Map<string, Quantity> {
  return filterAmounts(usageChange(quota, write), (_, amount) => !isPositive(amount));
}

/** Why the quota cannot judge this write yet or at all; in Kubernetes' words, before any quota is asked for room. */
export function unmeasurable(quota: V1ResourceQuota, write: MeteredWrite): string | undefined {
  const { meter, object, old } = write;
  if (object === undefined || write.isReport) return undefined;
  if (old !== undefined && charge(quota, write).size === 0) return undefined;
  const names = chargedNames(meter, quota, object);
  if (names.length === 0) return undefined;
  const name = quota.metadata?.name ?? '';
  const missing = meter.missing?.(names, object);
  if (missing !== undefined) return `failed quota: ${name}: ${missing}`;
  const used = quota.status?.used ?? {};
  if (names.every((one) => Object.hasOwn(used, one))) return undefined;
  return `status unknown for quota: ${name}, resources: ${names.toSorted().join(',')}`;
}

/** Why there is no room for the charge. `used` is what is used before it. */
export function exceeded(
  quota: V1ResourceQuota,
  used: ReadonlyMap<string, Quantity>,
  asked: ReadonlyMap<string, Quantity>,
): string | undefined {
  const hard = readAmounts(quota.status?.hard);
  const wanted = new Map(used);
  addInto(wanted, asked);
  const over = new Set(
    [...asked.keys()].filter((name) => {
      const [after, limit] = [wanted.get(name), hard.get(name)];
      return after !== undefined && limit !== undefined && compareQuantities(after, limit) > 0;
    }),
  );
  if (over.size === 0) return undefined;
  const show = (amounts: ReadonlyMap<string, Quantity>): string =>
    showAmounts(filterAmounts(amounts, (name) => over.has(name)));
  return `exceeded quota: ${quota.metadata?.name}, requested: ${show(asked)}, used: ${show(used)}, limited: ${show(hard)}`;
}

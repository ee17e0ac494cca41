import type {
  V1Container,
  V1LimitRange,
  V1LimitRangeItem,
  V1PersistentVolumeClaim,
  V1Pod,
} from '../../../lib/schema/generated/types.js';
import { compareQuantities, parseQuantity, quantityToString, type Quantity } from '../../../lib/api/quantity.js';
import { readAmounts, type Amounts } from '../../../lib/quota/amounts.js';
import { podAmounts } from '../../../lib/quota/pod-amounts.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const LIMIT_RANGES = { group: '', plural: 'limitranges' };
const ANNOTATION = 'kubernetes.io/limit-ranger';
const NONE: Amounts = new Map();

/** Gives containers the default requests and limits of their namespace, and refuses what is out of its ranges. */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',

  async mutate(attributes, context) {
    if (!isLimitedPod(attributes)) return;
    const pod = attributes.object as V1Pod;
    for (const range of await rangesOf(attributes, context)) setDefaults(pod, range);
  },

  async validate(attributes, context) {
    const limitsPod = isLimitedPod(attributes);
    if (!limitsPod && !isClaim(attributes)) return;
    if (attributes.oldObject?.metadata?.deletionTimestamp !== undefined) return;
    for (const { spec } of await rangesOf(attributes, context)) {
      const errors = (spec?.limits ?? []).flatMap((item) =>
        limitsPod
          ? podErrors(item, attributes.object as V1Pod)
          : claimErrors(item, attributes.object as V1PersistentVolumeClaim),
      );
      const texts = [...new Set(errors)];
      if (texts.length > 0)
        throw refusal(attributes, texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`);
    }
  },
};

function isLimitedPod(attributes: AdmissionAttributes): boolean {
  const { operation } = attributes;
  return (
    (operation === 'CREATE' && concerns(attributes, 'pods')) ||
    (operation === 'UPDATE' && concerns(attributes, 'pods', 'resize'))
  );
}

function isClaim(attributes: AdmissionAttributes): boolean {
  const { operation } = attributes;
  return (operation === 'CREATE' || operation === 'UPDATE') && concerns(attributes, 'persistentvolumeclaims');
}

function rangesOf(
  { namespace }: AdmissionAttributes,
  { policies }: AdmissionContext,
): Promise<readonly V1LimitRange[]> {
  return policies.list<V1LimitRange>(LIMIT_RANGES, namespace);
}

function setDefaults(pod: V1Pod, range: V1LimitRange): void {
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    Object.assign(requests, item.defaultRequest);
    Object.assign(limits, item.default);
  }
  const notes: string[] = [];
  const containers: [string, V1Container[]][] = [
    ['container', pod.spec?.containers ?? []],
    ['init container', pod.spec?.initContainers ?? []],
  ];
  for (const [kind, list] of containers) {
    for (const container of list) {
      const resources = (container.resources ??= {});
      const setLimits = fill(limits, resources.limits, (filled) => (resources.limits = filled));
      const setRequests = fill(requests, resources.requests, (filled) => (resources.requests = filled));
      if (setRequests.length > 0) notes.push(`${setRequests.join(', ')} request for ${kind} ${container.name}`);
      if (setLimits.length > 0) notes.push(`${setLimits.join(', ')} limit for ${kind} ${container.name}`);
    }
  }
  if (notes.length === 0) return;
  const metadata = (pod.metadata ??= {});
  metadata.annotations = { ...metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` };
}

/** Adds what is not given; the names added, sorted. */
function fill(
  defaults: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>> | undefined,
  set: (filled: Record<string, string>) => void,
): string[] {
  const added = Object.keys(defaults)
    .filter((name) => !Object.hasOwn(given ?? {}, name))
    .toSorted();
  if (added.length > 0) set({ ...given, ...Object.fromEntries(added.map((name) => [name, defaults[name] ?? ''])) });
  return added;
}

function podErrors(item: V1LimitRangeItem, pod: V1Pod): string[] {
  if (item.type === 'Pod') {
    // What is asked for counts, not what a node has granted so far.
    const wanted: V1Pod = { spec: { ...pod.spec, containers: pod.spec?.containers ?? [], overhead: undefined } };
    return rangeErrors(item, podAmounts(wanted, 'requests'), podAmounts(wanted, 'limits'));
  }
  if (item.type !== 'Container') return [];
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return containers.flatMap(({ resources }) =>
    rangeErrors(item, readAmounts(resources?.requests), readAmounts(resources?.limits)),
  );
}

function rangeErrors(item: V1LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...each(item.min, (name, bound) => minError(item.type, name, bound, { requests, limits })),
    ...each(item.max, (name, bound) => maxError(item.type, name, bound, { requests, limits })),
    ...each(item.maxLimitRequestRatio, (name, bound) => ratioError(item.type, name, bound, { requests, limits })),
  ];
}

function claimErrors(item: V1LimitRangeItem, claim: V1PersistentVolumeClaim): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = readAmounts(claim.spec?.resources?.requests);
  return [
    ...each(item.min, (name, bound) => minError(item.type, name, bound, { requests, limits: NONE })),
    ...each(item.max, (name, bound) => {
      const request = requests.get(name);
      const what = `maximum ${name} usage per ${item.type} is ${show(bound)}`;
      if (request === undefined) return `${what}.  No request is specified`;
      return compareQuantities(request, bound) > 0 ? `${what}, but request is ${show(request)}` : undefined;
    }),
  ];
}

function each(
  bounds: Readonly<Record<string, string>> | undefined,
  check: (name: string, bound: Quantity) => string | undefined,
): string[] {
  return Object.entries(bounds ?? {})
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, bound]) => check(name, parseQuantity(bound)))
    .filter((error) => error !== undefined);
}

interface Asked {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function minError(type: string, name: string, bound: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const what = `minimum ${name} usage per ${type} is ${show(bound)}`;
  if (request === undefined) return `${what}.  No request is specified`;
  if (compareQuantities(request, bound) < 0) return `${what}, but request is ${show(request)}`;
  if (limit !== undefined && compareQuantities(limit, bound) < 0) return `${what}, but limit is ${show(limit)}`;
  return undefined;
}

function maxError(type: string, name: string, bound: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const what = `maximum ${name} usage per ${type} is ${show(bound)}`;
  if (limit === undefined) return `${what}.  No limit is specified`;
  if (compareQuantities(limit, bound) > 0) return `${what}, but limit is ${show(limit)}`;
  if (request !== undefined && compareQuantities(request, bound) > 0) return `${what}, but request is ${show(request)}`;
  return undefined;
}

function ratioError(type: string, name: string, bound: Quantity, { requests, limits }: Asked): string | undefined {
  const request = requests.get(name);
  const limit = limits.get(name);
  const what = `${name} max limit to request ratio per ${type} is ${show(bound)}`;
  if (request === undefined || request.mantissa === 0n) return `${what}, but no request is specified or request is 0`;
  if (limit === undefined || limit.mantissa === 0n) return `${what}, but no limit is specified or limit is 0`;
  const ratio = toNumber(limit) / toNumber(request);
  return ratio > toNumber(bound) ? `${what}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

function toNumber({ mantissa, scale }: Quantity): number {
  return Number(`${mantissa}e${scale}`);
}

function show(amount: Quantity): string {
  return quantityToString(amount);
}

import type { KubernetesObject } from '../api/meta.js';
import { scaledQuantity, compareQuantities, parseQuantity, type Quantity } from '../api/quantity.js';
import type {
  V1Container,
  V1PersistentVolumeClaim,
  V1Pod,
  ResourceV1ResourceClaim,
  V1ResourceQuota,
  V1ScopedResourceSelectorRequirement,
  V1Service,
} from '../schema/generated/types.js';
import { addInto, ONE, readAmounts, wholeAmount, type Amounts } from './amounts.js';
import { hasPodLevelResources, podAmounts } from './pod-amounts.js';
import { claimMatchesScope, podMatchesScope, scopesOf } from './scopes.js';

/**
 * What objects of one resource cost and which quotas they are charged to (Kubernetes' quota evaluators). Pure: the controller that
 * counts and the API server that charges must agree to the last piece.
 */
export interface Meter {
  /** The names among these that this resource is charged for. */
  matching(names: Iterable<string>): string[];
  /** What the object costs at that moment, under all names. */
  usage(object: KubernetesObject, nowMs: number): Amounts;
  matchesScope(scope: V1ScopedResourceSelectorRequirement, object: KubernetesObject): boolean;
  /** What an object must state for these names to be countable, and does not: `must specify cpu for: web`. */
  missing?(names: readonly string[], object: KubernetesObject): string | undefined;
}

/** Never charged. */
const IGNORED: ReadonlySet<string> = new Set(['/bindings', '/componentstatuses', '/events', 'events.k8s.io/events']);

/** Names from before `count/` that still count objects. */
const COUNT_ALIASES: ReadonlySet<string> = new Set([
  'configmaps',
  'resourcequotas',
  'replicationcontrollers',
  'secrets',
]);

const REQUESTS = 'requests.';
const HUGE_PAGES = 'hugepages-';
const STORAGE_CLASS = '.storageclass.storage.k8s.io/';
const DEVICE_CLASS = '.deviceclass.resource.k8s.io/devices';

/** Devices that a request for all of them may get: as many as an allocation can hold. */
const ALL_DEVICES_MAX = 32;

/** `count/pods`, `count/jobs.batch`. */
export function countName(group: string, plural: string): string {
  return group === '' ? `count/${plural}` : `count/${plural}.${group}`;
}

/** The meter of a resource; undefined for what is never charged. */
export function meterOf(group: string, plural: string): Meter | undefined {
  if (IGNORED.has(`${group}/${plural}`)) return undefined;
  switch (`${group}/${plural}`) {
    case '/pods':
      return podMeter;
    case '/services':
      return serviceMeter;
    case '/persistentvolumeclaims':
      return claimMeter;
    case 'resource.k8s.io/resourceclaims':
      return deviceClaimMeter;
    default:
      return objectMeter(group, plural);
  }
}

/** The names of this quota that the object is charged for; none when it is not the quota's. */
export function chargedNames(
  meter: Meter,
  quota: V1ResourceQuota,
  object: KubernetesObject,
  hard: Readonly<Record<string, unknown>> = quota.status?.hard ?? {},
): string[] {
  const names = meter.matching(Object.keys(hard));
  return names.length > 0 && scopesOf(quota).every((scope) => meter.matchesScope(scope, object)) ? names : [];
}

function objectMeter(group: string, plural: string): Meter {
  const names = new Set([countName(group, plural), ...(group === '' && COUNT_ALIASES.has(plural) ? [plural] : [])]);
  const amounts: Amounts = new Map([...names].map((name) => [name, ONE]));
  return {
    matching: (given) => pick(given, (name) => names.has(name)),
    usage: () => amounts,
    matchesScope: () => false,
  };
}

const SERVICE_NAMES = new Set(['count/services', 'services', 'services.nodeports', 'services.loadbalancers']);

const serviceMeter: Meter = {
  matching: (given) => pick(given, (name) => SERVICE_NAMES.has(name)),
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as V1Service).spec ?? {};
    const given = ports.filter(({ nodePort = 0 }) => nodePort !== 0).length;
    const balanced = type === 'LoadBalancer';
    const nodePorts =
      type === 'NodePort'
        ? ports.length
        : !balanced
          ? 0
          : allocateLoadBalancerNodePorts === false
            ? given
            : ports.length;
    return new Map([
      ['count/services', ONE],
      ['services', ONE],
      ['services.nodeports', wholeAmount(nodePorts)],
      ['services.loadbalancers', wholeAmount(balanced ? 1 : 0)],
    ]);
  },
  matchesScope: () => false,
};

const CLAIM_NAMES = ['persistentvolumeclaims', 'requests.storage'];

const claimMeter: Meter = {
  matching: (given) =>
    pick(
      given,
      (name) =>
        name === 'count/persistentvolumeclaims' ||
        CLAIM_NAMES.includes(name) ||
        CLAIM_NAMES.some((own) => name.endsWith(`${STORAGE_CLASS}${own}`)),
    ),
  usage(object) {
    const claim = object as V1PersistentVolumeClaim;
    const storageClass =
      claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? '';
    const amounts = new Map<string, Quantity>([
      ['persistentvolumeclaims', ONE],
      ['count/persistentvolumeclaims', ONE],
    ]);
    const storage = claimedStorage(claim);
    if (storage !== undefined) amounts.set('requests.storage', storage);
    if (storageClass !== '') {
      amounts.set(`${storageClass}${STORAGE_CLASS}persistentvolumeclaims`, ONE);
      if (storage !== undefined) amounts.set(`${storageClass}${STORAGE_CLASS}requests.storage`, storage);
    }
    return amounts;
  },
  matchesScope: claimMatchesScope,
};

/** In whole bytes; while a volume shrinks back from a failed expansion, what was allocated. */
function claimedStorage(claim: V1PersistentVolumeClaim): Quantity | undefined {
  const text = claim.spec?.resources?.requests?.['storage'];
  if (text === undefined) return undefined;
  const asked = parseQuantity(text);
  const allocatedText = claim.status?.allocatedResources?.['storage'];
  const allocated = allocatedText === undefined ? undefined : parseQuantity(allocatedText);
  const counted = allocated !== undefined && compareQuantities(allocated, asked) > 0 ? allocated : asked;
  return counted.scale >= 0 ? counted : { mantissa: scaledQuantity(counted, 0), scale: 0, format: counted.format };
}

const DEVICE_CLAIM_COUNT = countName('resource.k8s.io', 'resourceclaims');

const deviceClaimMeter: Meter = {
  matching: (given) => pick(given, (name) => name === DEVICE_CLAIM_COUNT || name.endsWith(DEVICE_CLASS)),
  usage(object) {
    const amounts = new Map<string, Quantity>([[DEVICE_CLAIM_COUNT, ONE]]);
    for (const { exactly, firstAvailable = [] } of (object as ResourceV1ResourceClaim).spec?.devices?.requests ?? []) {
      // Of alternatives the worst case of each class counts.
      const most = new Map<string, number>();
      for (const request of firstAvailable.length > 0 ? firstAvailable : exactly === undefined ? [] : [exactly]) {
        const { deviceClassName = '', allocationMode, count = 0 } = request;
        const devices =
          allocationMode === 'All' ? ALL_DEVICES_MAX : allocationMode === 'ExactCount' ? Number(count) : 0;
        most.set(deviceClassName, Math.max(devices, most.get(deviceClassName) ?? 0));
      }
      addInto(amounts, new Map([...most].map(([name, count]) => [`${name}${DEVICE_CLASS}`, wholeAmount(count)])));
    }
    return amounts;
  },
  matchesScope: () => false,
};

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'] as const;
const POD_NAMES: ReadonlySet<string> = new Set([
  'count/pods',
  'pods',
  ...COMPUTE.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
/** A quota of these asks that every container states them. */
const STATED: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);

const podMeter: Meter = {
  matching: (given) =>
    pick(
      given,
      (name) =>
        POD_NAMES.has(name) ||
        name.startsWith(HUGE_PAGES) ||
        name.startsWith(`${REQUESTS}${HUGE_PAGES}`) ||
        (name.startsWith(REQUESTS) && isExtended(name.slice(REQUESTS.length))),
    ),
  usage(object, nowMs) {
    const pod = object as V1Pod;
    if (hasEnded(pod, nowMs)) return new Map([['count/pods', ONE]]);
    const amounts = computeAmounts(podAmounts(pod, 'requests'), podAmounts(pod, 'limits'));
    amounts.set('count/pods', ONE);
    amounts.set('pods', ONE);
    return amounts;
  },
  matchesScope: podMatchesScope,
  missing(names, object) {
    const { spec } = object as V1Pod;
    if (hasPodLevelResources(spec?.resources)) return undefined;
    const lacking = new Map<string, Set<string>>();
    const containers: readonly V1Container[] = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
    for (const { name, resources } of containers) {
      const stated = computeAmounts(readAmounts(resources?.requests), readAmounts(resources?.limits));
      for (const wanted of names) {
        if (!STATED.has(wanted) || stated.has(wanted)) continue;
        const without = lacking.get(wanted) ?? new Set();
        lacking.set(wanted, without.add(name));
      }
    }
    if (lacking.size === 0) return undefined;
    const parts = [...lacking]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, without]) => `${name} for: ${[...without].toSorted().join(',')}`);
    return `must specify ${parts.join('; ')}`;
  },
};

/** Requests and limits under the names that quotas have for them. */
function computeAmounts(requests: Amounts, limits: Amounts): Map<string, Quantity> {
  const amounts = new Map<string, Quantity>();
  for (const name of COMPUTE) {
    const request = requests.get(name);
    if (request !== undefined) amounts.set(name, request).set(`${REQUESTS}${name}`, request);
    const limit = limits.get(name);
    if (limit !== undefined) amounts.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (name.startsWith(HUGE_PAGES)) amounts.set(name, request).set(`${REQUESTS}${name}`, request);
    else if (isExtended(name)) amounts.set(`${REQUESTS}${name}`, request);
  }
  return amounts;
}

/** `example.com/gpu`: of no domain of Kubernetes' own. */
function isExtended(name: string): boolean {
  return (
    name.startsWith('deviceclass.resource.kubernetes.io/') || (name.includes('/') && !name.includes('kubernetes.io/'))
  );
}

/** A pod that runs no more takes nothing but its place in the store; one stuck on a lost node neither. */
function hasEnded({ metadata, status }: V1Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(String(deletionTimestamp)) + Number(deletionGracePeriodSeconds) * 1_000;
}

function pick(names: Iterable<string>, keep: (name: string) => boolean): string[] {
  return [...names].filter(keep);
}

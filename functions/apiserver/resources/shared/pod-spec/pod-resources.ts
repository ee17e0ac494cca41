import type { V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import { largerQuantity, sumOfQuantities } from '../quantities.js';
import { isHugePages, isOvercommitAllowed, type ResourceList } from '../resources.js';

type ListName = 'limits' | 'requests';

/** Resources that a pod may ask for as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePages(name);
}

/**
 * What the containers of a pod need together: all that run at once, or the init container that needs most beside
 * the sidecars started before it.
 */
export function aggregateResources(spec: V1PodSpec, list: ListName): ResourceList {
  const running: ResourceList = {};
  for (const container of spec.containers ?? []) add(running, container.resources?.[list]);
  const sidecars: ResourceList = {};
  const initial: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    const own = container.resources?.[list];
    if (container.restartPolicy === 'Always') {
      add(running, own);
      add(sidecars, own);
      raise(initial, sidecars);
    } else {
      const together = { ...sidecars };
      add(together, own);
      raise(initial, together);
    }
  }
  raise(running, initial);
  return running;
}

function add(total: ResourceList, amounts: ResourceList | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) total[name] = sumOfQuantities(total[name], amount);
}

function raise(total: ResourceList, amounts: ResourceList): void {
  for (const [name, amount] of Object.entries(amounts)) total[name] = largerQuantity(total[name], amount);
}

/** Completes the resources of a pod as a whole from those of its containers, when some of them are given. */
export function defaultPodLevelResources(spec: V1PodSpec): void {
  const { resources } = spec;
  if (resources === undefined) return;
  const given = (list: ListName): boolean => Object.keys(resources[list] ?? {}).some(isPodLevelResource);
  const hasLimits = given('limits');
  const hasRequests = given('requests');
  if (!hasLimits && !hasRequests) return;

  const limitsOfContainers = aggregateResources(spec, 'limits');
  for (const [name, amount] of Object.entries(limitsOfContainers)) {
    if (isHugePages(name) && resources.requests?.[name] === undefined) set(resources, 'limits', name, amount);
  }
  if (hasLimits) {
    for (const [name, amount] of Object.entries(aggregateResources(spec, 'requests'))) {
      if (isPodLevelResource(name) && isOvercommitAllowed(name)) set(resources, 'requests', name, amount);
    }
    for (const [name, amount] of Object.entries(resources.limits ?? {})) {
      if (isPodLevelResource(name)) set(resources, 'requests', name, amount);
    }
    return;
  }
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const [name, amount] of Object.entries(limitsOfContainers)) {
    const isLimitedEverywhere = containers.every((container) => container.resources?.limits?.[name] !== undefined);
    if (isPodLevelResource(name) && isOvercommitAllowed(name) && isLimitedEverywhere) {
      set(resources, 'limits', name, amount);
    }
  }
}

function set(resources: NonNullable<V1PodSpec['resources']>, list: ListName, name: string, amount: string): void {
  (resources[list] ??= {})[name] ??= amount;
}

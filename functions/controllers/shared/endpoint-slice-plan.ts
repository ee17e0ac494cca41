import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import { refOf } from '../../../lib/client/client.js';
import { endpointSlices } from '../../../lib/client/resources.js';
import type { DiscoveryV1EndpointPort, V1Endpoint, V1EndpointSlice } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';
import { isNamespaceTerminating } from './pod-control.js';

/** Endpoints in one slice, as kube-controller-manager's default. */
export const ENDPOINTS_PER_SLICE_MAX = 100;

const GENERATED_NAME_PREFIX_LENGTH_MAX = 63;

/** Endpoints that share their ports. */
export interface EndpointGroup {
  readonly ports: DiscoveryV1EndpointPort[];
  readonly endpoints: readonly V1Endpoint[];
}

export interface SlicesWanted {
  /** Slices of this address type and owner that exist now, whatever their content. */
  readonly existing: readonly V1EndpointSlice[];
  readonly groups: readonly EndpointGroup[];
  /** A new slice without ports and endpoints; labels and annotations of present ones are made like its. */
  readonly template: V1EndpointSlice;
  /** A slice without endpoints where there would be none at all. */
  readonly placeholder: boolean;
}

export interface SlicePlan {
  readonly create: V1EndpointSlice[];
  readonly update: V1EndpointSlice[];
  readonly remove: V1EndpointSlice[];
}

/**
 * The fewest writes that bring slices to what is wanted, as Kubernetes' controllers make them: endpoints stay in the slice they are in, new ones
 * go first into slices that are written anyway, then into one that has room for all, and slices that would go are used for those that would come.
 */
export function planSlices(wanted: SlicesWanted): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const byPorts = new Map<string, V1EndpointSlice[]>();
  for (const slice of wanted.existing) {
    const key = portsKey(slice.ports ?? []);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  for (const group of wanted.groups) {
    if (group.endpoints.length === 0) continue;
    const key = portsKey(group.ports);
    planGroup(group, byPorts.get(key) ?? [], wanted.template, plan);
    byPorts.delete(key);
  }
  plan.remove.push(...[...byPorts.values()].flat());
  if (wanted.placeholder && wanted.existing.length === plan.remove.length && plan.create.length === 0) {
    plan.create.push({ ...wanted.template, ports: [], endpoints: [] });
  }
  return recycle(plan);
}

function planGroup(
  group: EndpointGroup,
  existing: readonly V1EndpointSlice[],
  template: V1EndpointSlice,
  plan: SlicePlan,
): void {
  const missing = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const changed: V1EndpointSlice[] = [];
  const unchanged: V1EndpointSlice[] = [];
  for (const slice of existing) {
    const kept: V1Endpoint[] = [];
    let isChanged = !hasMetadataOf(slice, template);
    for (const endpoint of slice.endpoints ?? []) {
      const key = endpointKey(endpoint);
      const wanted = missing.get(key);
      isChanged ||= wanted === undefined || !deepEqual(wanted, endpoint);
      if (wanted === undefined) continue;
      kept.push(wanted);
      missing.delete(key);
    }
    if (kept.length === 0) plan.remove.push(slice);
    else if (isChanged) changed.push(withContent(slice, template, kept));
    else unchanged.push(slice);
  }

  const left = [...missing.values()];
  for (const slice of changed.sort((one, other) => sizeOf(other) - sizeOf(one))) {
    slice.endpoints?.push(...left.splice(0, ENDPOINTS_PER_SLICE_MAX - sizeOf(slice)));
  }
  plan.update.push(...changed);
  while (left.length > 0) {
    const room = left.length < ENDPOINTS_PER_SLICE_MAX ? fullestWithRoom(unchanged, left.length) : undefined;
    const added = left.splice(0, ENDPOINTS_PER_SLICE_MAX);
    if (room === undefined) plan.create.push({ ...template, ports: group.ports, endpoints: added });
    else plan.update.push(withContent(room, template, [...(room.endpoints ?? []), ...added]));
  }
}

function fullestWithRoom(slices: readonly V1EndpointSlice[], count: number): V1EndpointSlice | undefined {
  let fullest: V1EndpointSlice | undefined;
  for (const slice of slices) {
    if (sizeOf(slice) + count > ENDPOINTS_PER_SLICE_MAX) continue;
    if (fullest === undefined || sizeOf(slice) > sizeOf(fullest)) fullest = slice;
  }
  return fullest;
}

/** A slice that is to go becomes one that is to come: one write and one event less. */
function recycle({ create, update, remove }: SlicePlan): SlicePlan {
  const left = [...create];
  const updated = [...update];
  const removed: V1EndpointSlice[] = [];
  for (const slice of remove) {
    const next = left.pop();
    if (next === undefined) {
      removed.push(slice);
      continue;
    }
    const recycled = { ...withContent(slice, next, next.endpoints ?? []), ports: next.ports };
    const isSame =
      hasMetadataOf(slice, next) &&
      deepEqual(slice.endpoints ?? [], next.endpoints ?? []) &&
      deepEqual(slice.ports ?? [], next.ports ?? []);
    if (!isSame) updated.push(recycled);
  }
  return { create: left, update: updated, remove: removed };
}

function sizeOf(slice: V1EndpointSlice): number {
  return slice.endpoints?.length ?? 0;
}

function withContent(slice: V1EndpointSlice, like: V1EndpointSlice, endpoints: V1Endpoint[]): V1EndpointSlice {
  const { labels, annotations } = like.metadata ?? {};
  return { ...slice, metadata: { ...slice.metadata, labels, annotations }, endpoints };
}

/** The time that endpoints last changed at is no reason to write. */
function hasMetadataOf(slice: V1EndpointSlice, like: V1EndpointSlice): boolean {
  const [left, right] = [slice, like].map(({ metadata }) => {
    const { 'endpoints.kubernetes.io/last-change-trigger-time': _time, ...annotations } = metadata?.annotations ?? {};
    return [metadata?.labels ?? {}, annotations];
  });
  return deepEqual(left, right);
}

/** What an endpoint is recognised by while its conditions change. */
function endpointKey({ addresses, hostname, targetRef }: V1Endpoint): string {
  return JSON.stringify([addresses, hostname, targetRef?.namespace, targetRef?.name]);
}

export function portsKey(ports: readonly DiscoveryV1EndpointPort[]): string {
  const parts = ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) =>
    JSON.stringify([name, port, protocol, appProtocol]),
  );
  return parts.toSorted().join();
}

/** The generated name of a slice begins with that of what it belongs to. */
export function sliceNamePrefix(name: string): string {
  return name.length < GENERATED_NAME_PREFIX_LENGTH_MAX ? `${name}-` : name;
}

/** Carries the plan out. In a namespace that is being deleted nothing is created, and that is no error. */
export async function applyPlan(plan: SlicePlan, { client }: ControllerContext): Promise<void> {
  for (const slice of plan.create) {
    try {
      await client.create(endpointSlices, slice);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }
  for (const slice of plan.update) await client.update(endpointSlices, slice);
  for (const slice of plan.remove) {
    const { uid } = slice.metadata ?? {};
    try {
      await client.delete(endpointSlices, refOf(slice), { preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  }
}

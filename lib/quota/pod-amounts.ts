import type { Quantity } from '../api/quantity.js';
import type { V1Container, V1ContainerStatus, V1Pod, V1ResourceRequirements } from '../schema/generated/types.js';
import { addInto, raiseTo, readAmounts, type Amounts } from './amounts.js';

type Side = 'requests' | 'limits';

/** What may be asked for on the level of the pod. */
const POD_LEVEL: ReadonlySet<string> = new Set(['cpu', 'memory']);
const HUGE_PAGES = 'hugepages-';

/**
 * Requests or limits of a whole pod, as component-helpers' resource.PodRequests and PodLimits count them: containers and sidecars
 * together, or an init container with the sidecars before it where that is more; the pod's own amounts override; overhead comes on
 * top. While a resize is under way the larger of the wanted and the present amounts counts.
 */
export function podAmounts(pod: V1Pod, side: Side): Map<string, Quantity> {
  const { spec, status } = pod;
  const infeasible = (status?.conditions ?? []).some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );
  const amountsOf = (container: V1Container, statuses: readonly V1ContainerStatus[] | undefined): Amounts =>
    containerAmounts(
      container,
      statuses?.find(({ name }) => name === container.name),
      { side, infeasible },
    );
  const total = new Map<string, Quantity>();
  for (const container of spec?.containers ?? []) addInto(total, amountsOf(container, status?.containerStatuses));
  const sidecars = new Map<string, Quantity>();
  const initMaximum = new Map<string, Quantity>();
  for (const container of spec?.initContainers ?? []) {
    const own = new Map(amountsOf(container, status?.initContainerStatuses));
    if (container.restartPolicy === 'Always') {
      addInto(total, own);
      addInto(sidecars, own);
      raiseTo(initMaximum, sidecars);
    } else {
      addInto(own, sidecars);
      raiseTo(initMaximum, own);
    }
  }
  raiseTo(total, initMaximum);
  for (const [name, amount] of readAmounts(spec?.resources?.[side])) {
    if (POD_LEVEL.has(name) || name.startsWith(HUGE_PAGES)) total.set(name, amount);
  }
  const overhead = readAmounts(spec?.overhead);
  // What has no limit gets none by its overhead.
  if (side === 'limits') for (const name of overhead.keys()) if (!total.has(name)) overhead.delete(name);
  addInto(total, overhead);
  return total;
}

/** True when the pod asks for cpu, memory or huge pages as a whole. */
export function hasPodLevelResources(resources: V1ResourceRequirements | undefined): boolean {
  const names = [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})];
  return names.some((name) => POD_LEVEL.has(name) || name.startsWith(HUGE_PAGES));
}

function containerAmounts(
  container: V1Container,
  status: V1ContainerStatus | undefined,
  { side, infeasible }: { side: Side; infeasible: boolean },
): Amounts {
  const wanted = readAmounts(container.resources?.[side]);
  if (status === undefined) return wanted;
  const present = readAmounts(status.resources?.[side]);
  if (side === 'requests') raiseTo(present, readAmounts(status.allocatedResources));
  // What cannot be granted is not charged.
  if (infeasible && present.size > 0) return present;
  raiseTo(wanted, present);
  return wanted;
}

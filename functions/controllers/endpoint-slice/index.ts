import { keyOf, parseKey } from '../../../lib/client/client.js';
import type { IndexFunction } from '../../../lib/client/replica.js';
import { endpointSlices, nodes, pods, services } from '../../../lib/client/resources.js';
import type { V1EndpointSlice, V1Node, V1Pod, V1Service } from '../../../lib/schema/generated/types.js';
import { watch, watchSelf, type Controller, type ControllerContext } from '../../../lib/work/controller.js';
import { applyPlan, planSlices, sliceNamePrefix, type SlicePlan } from '../shared/endpoint-slice-plan.js';
import { controllerReference, isBeingDeleted, isControlledBy } from '../shared/owners.js';
import { Pacing } from '../shared/pacing.js';
import { byNodeName } from '../shared/pod-indexes.js';
import {
  hasOwnEndpoints,
  HEADLESS_LABEL,
  ipFamilies,
  isHeadless,
  podsOfService,
  servicesOf,
  triggerTime,
  TRIGGER_TIME_ANNOTATION,
  watchServicePods,
} from '../shared/service-pods.js';
import { endpointGroups } from './desired.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** The labels of a slice that say something about it; a service's own of these names are not taken over. */
const RESERVED = new Set([SERVICE_NAME_LABEL, MANAGED_BY_LABEL, HEADLESS_LABEL]);

/** Index of our slices by the key of their service. */
const byService: IndexFunction<V1EndpointSlice> = (slice) => {
  const { namespace, labels } = slice.metadata ?? {};
  return labels?.[MANAGED_BY_LABEL] === MANAGER ? [`${namespace}/${labels[SERVICE_NAME_LABEL]}`] : [];
};

/** Keeps the EndpointSlices of services with a selector. Keys are services; with a service its slices are the garbage collector's. */
export function endpointSliceController(): Controller {
  const pacing = new Pacing();
  return {
    name: 'endpoint-slice',
    watches: [
      watchSelf(services),
      watchServicePods(),
      watch(endpointSlices, ({ object, previous }) => [object, ...(previous ? [previous] : [])].flatMap(byService)),
      watch(nodes, async ({ type, object, previous }, lookup) => {
        if (type === 'updated' && zoneOf(object) === zoneOf(previous)) return [];
        const onNode = (await lookup.view(pods)).by(byNodeName, keyOf(object));
        return onNode.length === 0 ? [] : servicesOf(onNode, lookup);
      }),
    ],
    async reconcile(key, context) {
      const waitMs = pacing.waitMs(key, context.clock.now());
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      const size = await reconcile(key, context);
      pacing.looked(key, size, context.clock.now());
      return undefined;
    },
  };
}

/** How many pods the service has. */
async function reconcile(key: string, context: ControllerContext): Promise<number> {
  const { namespace, name } = parseKey(key);
  const service = (await context.view(services)).get(namespace, name);
  if (service === undefined || !hasOwnEndpoints(service)) return 0;
  const slices = (await context.view(endpointSlices)).by(byService, key).filter((slice) => !isBeingDeleted(slice));
  const selected = await podsOfService(service, context);
  const plan = await planFor(service, selected, slices, context);
  // The garbage collector is about to remove the slices: new ones would only come in its way.
  if (isBeingDeleted(service)) plan.create.splice(0);
  await applyPlan(plan, context);
  return selected.length;
}

async function planFor(
  service: V1Service,
  selected: readonly V1Pod[],
  slices: readonly V1EndpointSlice[],
  context: ControllerContext,
): Promise<SlicePlan> {
  const allNodes = await context.view(nodes);
  const nodeOf = (name: string): V1Node | undefined => allNodes.get(undefined, name);
  const families = ipFamilies(service);
  const [own, foreign] = partition(
    slices,
    (slice) => isControlledBy(slice, service) && families.includes(slice.addressType as 'IPv4'),
  );
  const plans = families.map((family) =>
    planSlices({
      existing: own.filter((slice) => slice.addressType === family),
      groups: endpointGroups(service, selected, family, nodeOf),
      template: sliceTemplate(service, family, selected),
      placeholder: true,
    }),
  );
  return {
    create: plans.flatMap(({ create }) => create),
    update: plans.flatMap(({ update }) => update),
    remove: [...foreign, ...plans.flatMap(({ remove }) => remove)],
  };
}

function sliceTemplate(service: V1Service, addressType: string, selected: readonly V1Pod[]): V1EndpointSlice {
  const { namespace, name = '', labels = {} } = service.metadata ?? {};
  const taken = Object.entries(labels).filter(([key]) => !RESERVED.has(key));
  const time = triggerTime(service, selected);
  return {
    metadata: {
      namespace,
      generateName: sliceNamePrefix(name),
      labels: {
        ...Object.fromEntries(taken),
        ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
        [SERVICE_NAME_LABEL]: name,
        [MANAGED_BY_LABEL]: MANAGER,
      },
      ...(time === undefined ? {} : { annotations: { [TRIGGER_TIME_ANNOTATION]: time } }),
      ownerReferences: [controllerReference(services, service)],
    },
    addressType,
    endpoints: [],
  };
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function zoneOf(node: V1Node | undefined): string | undefined {
  return node?.metadata?.labels?.[ZONE_LABEL];
}

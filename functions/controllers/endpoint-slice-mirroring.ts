import { parseKey } from '../../lib/client/client.js';
import type { IndexFunction } from '../../lib/client/replica.js';
import { endpoints, endpointSlices, services } from '../../lib/client/resources.js';
import { parseIp } from '../../lib/net/ip.js';
import type { V1Endpoint, V1EndpointAddress, V1Endpoints, V1EndpointSlice } from '../../lib/schema/generated/types.js';
import { watchSelf, watch, type Controller, type ControllerContext } from '../../lib/work/controller.js';
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from './endpoint-slice/index.js';
import { applyPlan, planSlices, portsKey, sliceNamePrefix, type EndpointGroup } from './shared/endpoint-slice-plan.js';
import { controllerReference, isBeingDeleted, isControlledBy } from './shared/owners.js';
import { TRIGGER_TIME_ANNOTATION } from './shared/service-pods.js';

const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints that older leader elections keep their state in are no endpoints of anything. */
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** Addresses of one subset that are mirrored. */
const ADDRESSES_PER_SUBSET_MAX = 1000;

const FAMILIES = ['IPv4', 'IPv6'] as const;

const byEndpoints: IndexFunction<V1EndpointSlice> = (slice) => {
  const { namespace, labels } = slice.metadata ?? {};
  return labels?.[MANAGED_BY_LABEL] === MANAGER ? [`${namespace}/${labels[SERVICE_NAME_LABEL]}`] : [];
};

/** Mirrors hand-made Endpoints of services without a selector into EndpointSlices, which is what proxies read. Keys are Endpoints. */
export const endpointSliceMirroringController: Controller = {
  name: 'endpoint-slice-mirroring',
  watches: [
    watchSelf(endpoints),
    watchSelf(services),
    watch(endpointSlices, ({ object, previous }) => [object, ...(previous ? [previous] : [])].flatMap(byEndpoints)),
  ],
  async reconcile(key, context) {
    const { namespace, name } = parseKey(key);
    const source = (await context.view(endpoints)).get(namespace, name);
    const service = (await context.view(services)).get(namespace, name);
    const slices = (await context.view(endpointSlices)).by(byEndpoints, key).filter((slice) => !isBeingDeleted(slice));
    const isMirrored =
      source !== undefined &&
      !isBeingDeleted(source) &&
      mayBeMirrored(source) &&
      service !== undefined &&
      service.spec?.selector === undefined;
    if (isMirrored) await mirror(source, slices, context);
    else await applyPlan({ create: [], update: [], remove: slices }, context);
  },
};

function mayBeMirrored({ metadata }: V1Endpoints): boolean {
  return metadata?.labels?.[SKIP_LABEL] !== 'true' && metadata?.annotations?.[LEADER_ANNOTATION] === undefined;
}

async function mirror(
  source: V1Endpoints,
  slices: readonly V1EndpointSlice[],
  context: ControllerContext,
): Promise<void> {
  const { groups, invalidCount, skippedCount } = groupsOf(source);
  const own = slices.filter((slice) => isControlledBy(slice, source));
  const plans = FAMILIES.map((family) =>
    planSlices({
      existing: own.filter(({ addressType }) => addressType === family),
      groups: groups.filter((group) => group.family === family),
      template: sliceTemplate(source, family),
      placeholder: false,
    }),
  );
  const isOf = (slice: V1EndpointSlice): boolean => (FAMILIES as readonly string[]).includes(slice.addressType);
  const others = slices.filter((slice) => !own.includes(slice) || !isOf(slice));
  await applyPlan(
    {
      create: plans.flatMap(({ create }) => create),
      update: plans.flatMap(({ update }) => update),
      remove: [...others, ...plans.flatMap(({ remove }) => remove)],
    },
    context,
  );
  if (invalidCount > 0) {
    const message = `Skipped ${invalidCount} invalid IP addresses when mirroring to EndpointSlices`;
    await context.events.warning(source, 'InvalidIPAddress', message);
  }
  if (skippedCount > 0) {
    const message = `A max of ${ADDRESSES_PER_SUBSET_MAX} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skippedCount} addresses were skipped`;
    await context.events.warning(source, 'TooManyAddressesToMirror', message);
  }
}

interface FamilyGroup extends EndpointGroup {
  readonly family: string;
}

function groupsOf({ subsets = [] }: V1Endpoints): {
  groups: FamilyGroup[];
  invalidCount: number;
  skippedCount: number;
} {
  const byPorts = new Map<string, FamilyGroup & { endpoints: V1Endpoint[] }>();
  let invalidCount = 0;
  let skippedCount = 0;
  for (const subset of subsets) {
    const ports = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const all = [
      ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
    ];
    skippedCount += Math.max(0, all.length - ADDRESSES_PER_SUBSET_MAX);
    for (const { address, ready } of all.slice(0, ADDRESSES_PER_SUBSET_MAX)) {
      const family = parseIp(address.ip)?.family;
      if (family === undefined) {
        invalidCount++;
        continue;
      }
      const key = `${family} ${portsKey(ports)}`;
      let group = byPorts.get(key);
      if (group === undefined) byPorts.set(key, (group = { family, ports, endpoints: [] }));
      group.endpoints.push(endpointOf(address, ready));
    }
  }
  return { groups: [...byPorts.values()], invalidCount, skippedCount };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: V1EndpointAddress, ready: boolean): V1Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName ? { nodeName } : {}),
  };
}

function sliceTemplate(source: V1Endpoints, addressType: string): V1EndpointSlice {
  const { namespace, name = '', labels = {} } = source.metadata ?? {};
  const {
    [TRIGGER_TIME_ANNOTATION]: _time,
    [LAST_APPLIED_ANNOTATION]: _applied,
    ...annotations
  } = source.metadata?.annotations ?? {};
  return {
    metadata: {
      namespace,
      generateName: sliceNamePrefix(name),
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY_LABEL]: MANAGER },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [controllerReference(endpoints, source)],
    },
    addressType,
    endpoints: [],
  };
}

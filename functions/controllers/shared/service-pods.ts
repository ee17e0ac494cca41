import type { KubernetesObject } from '../../../lib/api/meta.js';
import { keyOf } from '../../../lib/client/client.js';
import type { IndexFunction } from '../../../lib/client/replica.js';
import { pods, services } from '../../../lib/client/resources.js';
import type { V1Pod, V1Service, V1ServicePort } from '../../../lib/schema/generated/types.js';
import { watch, type ControllerContext, type ControllerWatch, type Lookup } from '../../../lib/work/controller.js';
import { matchesLabels } from '../../../lib/api/label-selector-match.js';
import { isPodReady, isPodTerminal, podCondition } from './pods.js';

/** Which pods a service selects, and what of them it shows. */

/** When what a slice or Endpoints shows last changed: for those who measure how long it takes to reach them. */
export const TRIGGER_TIME_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Says that a service has no address of its own. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/** A service whose endpoints are ours to find: it has a selector, and is no mere name. */
export function hasOwnEndpoints(service: V1Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

export function isHeadless(service: V1Service): boolean {
  const address = service.spec?.clusterIP ?? '';
  return address === '' || address === 'None';
}

/** It has an address and has not ended. One that is being deleted may still serve for a while. */
export function hasEndpoint(pod: V1Pod): boolean {
  if (isPodTerminal(pod)) return false;
  return (pod.status?.podIP ?? '') !== '' || (pod.status?.podIPs ?? []).length > 0;
}

/** The pods with an endpoint that the service selects. */
export async function podsOfService(service: V1Service, context: ControllerContext): Promise<V1Pod[]> {
  const selector = service.spec?.selector ?? {};
  const [value = ''] = selectorPair(service);
  const candidates = (await context.view(pods)).by(byLabels, value);
  return candidates.filter((pod) => hasEndpoint(pod) && matchesLabels(selector, pod.metadata?.labels));
}

/** The keys of the services that show the pod before or after a change that makes a difference to them. */
export function watchServicePods(): ControllerWatch {
  return watch(pods, async ({ type, object, previous }, lookup) => {
    const after = type === 'deleted' ? undefined : shownBy(object);
    const before = type === 'deleted' ? shownBy(previous ?? object) : previous && shownBy(previous);
    if (before === after) return [];
    return servicesOf([object, ...(previous === undefined ? [] : [previous])], lookup);
  });
}

/** The keys of the services that select one of the pods. */
export async function servicesOf(some: readonly V1Pod[], lookup: Lookup): Promise<string[]> {
  const view = await lookup.view(services);
  const keys = new Set<string>();
  for (const pod of some) {
    for (const value of byLabels(pod)) {
      for (const service of view.by(selectorPair, value)) {
        if (matchesLabels(service.spec?.selector, pod.metadata?.labels)) keys.add(keyOf(service));
      }
    }
  }
  return [...keys];
}

/** Index of pods by each of their labels, within their namespace. */
const byLabels: IndexFunction<V1Pod> = (pod) =>
  Object.entries(pod.metadata?.labels ?? {}).map(([key, value]) => pair(pod, key, value));

/** Index of services by one label of their selector, which every pod that they select has too. */
const selectorPair: IndexFunction<V1Service> = (service) => {
  const [first] = Object.entries(service.spec?.selector ?? {});
  return first === undefined || !hasOwnEndpoints(service) ? [] : [pair(service, ...first)];
};

function pair(object: KubernetesObject, key: string, value: string): string {
  return `${object.metadata?.namespace ?? ''}\n${key}\n${value}`;
}

/** All that services show of a pod, or that decides which show it; undefined: nothing. */
function shownBy(pod: V1Pod): string | undefined {
  if (!hasEndpoint(pod)) return undefined;
  const { metadata, spec, status } = pod;
  const ready = podCondition(pod, 'Ready');
  return JSON.stringify([
    metadata?.uid,
    metadata?.labels,
    metadata?.deletionTimestamp !== undefined,
    spec?.nodeName,
    spec?.hostname,
    spec?.subdomain,
    status?.podIP,
    status?.podIPs,
    ready?.status,
  ]);
}

/** The port that a service's port means on a pod; undefined where the pod has none of that name and protocol. */
export function portOnPod(pod: V1Pod, { port, targetPort, protocol = 'TCP' }: V1ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return port;
  if (typeof targetPort === 'number') return targetPort;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const one of container.ports ?? []) {
      if (one.name === targetPort && (one.protocol ?? 'TCP') === protocol) return one.containerPort;
    }
  }
  return undefined;
}

/** The name by which DNS knows the pod within the service; undefined where it has none. */
export function hostnameIn(service: V1Service, pod: V1Pod): string | undefined {
  const { hostname = '', subdomain } = pod.spec ?? {};
  return hostname !== '' && subdomain === service.metadata?.name ? hostname : undefined;
}

/** The service's address families, the first one preferred. */
export function ipFamilies(service: V1Service): ('IPv4' | 'IPv6')[] {
  const { ipFamilies: families = [], clusterIP = '' } = service.spec ?? {};
  if (families.length > 0) return families as ('IPv4' | 'IPv6')[];
  return [clusterIP.includes(':') ? 'IPv6' : 'IPv4'];
}

/** The pod's addresses of one family. */
export function addressesOf(pod: V1Pod, family: 'IPv4' | 'IPv6'): string[] {
  const { podIP = '', podIPs = [] } = pod.status ?? {};
  const all = podIPs.length > 0 ? podIPs.map(({ ip }) => ip) : podIP === '' ? [] : [podIP];
  return all.filter((address) => address.includes(':') === (family === 'IPv6'));
}

/** The newest moment at which the service came to be or one of its pods became ready or stopped being so. */
export function triggerTime(service: V1Service, selected: readonly V1Pod[]): string | undefined {
  let newest = service.metadata?.creationTimestamp;
  for (const pod of selected) {
    const time = podCondition(pod, 'Ready')?.lastTransitionTime;
    if (time !== undefined && (newest === undefined || time > newest)) newest = time;
  }
  return newest;
}

/** Whether the service sends traffic to the pod as far as readiness goes. */
export function isServing(pod: V1Pod): boolean {
  return isPodReady(pod);
}

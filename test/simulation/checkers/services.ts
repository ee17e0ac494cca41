import { endpoints, endpointSlices, pods, services } from '../../../lib/client/resources.js';
import type { V1Service } from '../../../lib/schema/generated/types.js';
import type { Checker, ClusterState } from './cluster-state.js';
import { hasEnded, isReady, nameOf } from './pods.js';

/** The ready addresses of a service's slices and endpoints are those of its ready pods. */
export const servicesHaveEndpoints: Checker = (state) => state.of(services).flatMap((service) => check(state, service));

function check(state: ClusterState, service: V1Service): string[] {
  const { selector } = service.spec ?? {};
  const { namespace, name = '' } = service.metadata ?? {};
  if (selector === undefined) return [];
  const wanted = state
    .of(pods)
    .filter(({ metadata }) => metadata?.namespace === namespace)
    .filter(({ metadata }) => Object.entries(selector).every(([key, value]) => metadata?.labels?.[key] === value))
    .filter((pod) => !hasEnded(pod) && isReady(pod))
    .map((pod) => pod.status?.podIP ?? '')
    .sort();
  const sliced = state
    .controlledBy(endpointSlices, service)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses)
    .sort();
  const listed = (state.find(endpoints, namespace, name)?.subsets ?? [])
    .flatMap((subset) => subset.addresses ?? [])
    .map(({ ip }) => ip)
    .sort();
  const problems: string[] = [];
  for (const [kind, present] of [
    ['slices', sliced],
    ['endpoints', listed],
  ] as const) {
    if (present.join() !== wanted.join()) {
      problems.push(
        `the ${kind} of ${nameOf(service)} have ${present.join() || 'nothing'} instead of ${wanted.join() || 'nothing'}`,
      );
    }
  }
  return problems;
}

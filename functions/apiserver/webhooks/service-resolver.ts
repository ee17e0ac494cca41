import type { ObjectReader } from '../admission/plugin.js';
import type { V1EndpointSlice, V1Service, V1ServicePort } from '../../../lib/schema/generated/types.js';
import type { Random } from '../../../lib/random.js';
import { WebhookCallError } from './errors.js';

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  /** Number of one of the service's ports. */
  readonly port: number;
}

/** Where a connection to a service goes. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
  /** Set where the address is a pod's, which may be reached only through its node. */
  readonly node?: string;
}

/** From a service to one of the addresses behind it. Rejects with a `WebhookCallError`. */
export interface ServiceResolver {
  resolve(service: ServiceReference): Promise<ServiceAddress>;
}

const SERVICES = { group: '', plural: 'services' };
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', plural: 'endpointslices' };
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Reads services and their endpoint slices from the store, and takes a ready endpoint at random. */
export class EndpointResolver implements ServiceResolver {
  readonly #objects: ObjectReader;
  readonly #random: Random;

  constructor(objects: ObjectReader, random: Random) {
    this.#objects = objects;
    this.#random = random;
  }

  async resolve({ namespace, name, port }: ServiceReference): Promise<ServiceAddress> {
    const service = await this.#objects.get<V1Service & { metadata: object }>(SERVICES, namespace, name);
    if (service === undefined) {
      throw new WebhookCallError('unreachable', `service ${JSON.stringify(name)} not found`);
    }
    if (service.spec?.type === 'ExternalName') return { host: service.spec.externalName ?? '', port };
    const servicePort = (service.spec?.ports ?? []).find((one) => one.port === port);
    if (servicePort === undefined) {
      throw new WebhookCallError('unreachable', `no service port ${port} found for service ${JSON.stringify(name)}`);
    }
    const slices = await this.#objects.list<V1EndpointSlice & { metadata: object }>(ENDPOINT_SLICES, namespace);
    const ready = slices
      .filter((slice) => slice.metadata?.labels?.[SERVICE_NAME_LABEL] === name)
      .flatMap((slice) => readyAddresses(slice, servicePort));
    const chosen = ready[this.#random.uint32() % Math.max(1, ready.length)];
    if (chosen === undefined) {
      throw new WebhookCallError('unreachable', `no endpoints available for service ${JSON.stringify(name)}`);
    }
    return chosen;
  }
}

function readyAddresses(slice: V1EndpointSlice, servicePort: V1ServicePort): ServiceAddress[] {
  const port = (slice.ports ?? []).find((one) => (one.name ?? '') === (servicePort.name ?? ''))?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, targetRef, nodeName = '' }) => {
      const [host] = addresses;
      if (host === undefined) return [];
      return targetRef?.kind === 'Pod' ? [{ host, port, node: nodeName }] : [{ host, port }];
    });
}

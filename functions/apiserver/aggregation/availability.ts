import type { V1EndpointSlice, V1Service } from '../../../lib/schema/generated/types.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { ObjectReader } from '../admission/plugin.js';
import { WebhookCallError } from '../webhooks/errors.js';
import { connectionFault } from '../webhooks/http-words.js';
import { ask } from './ask.js';
import type { AggregationOptions, ApiService } from './extension-servers.js';

export interface Availability {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const SERVICES = { group: '', plural: 'services' };
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', plural: 'endpointslices' };
const HTTPS_PORT = 443;

/** Whether the server behind an APIService can answer, and in Kubernetes' words why not. */
export async function availabilityOf(
  apiService: ApiService,
  objects: ObjectReader,
  options: AggregationOptions & { clock: Clock },
): Promise<Availability> {
  return (await serviceFault(apiService, objects)) ?? (await discoveryFault(apiService, options)) ?? PASSED;
}

const PASSED: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' };

function unavailable(reason: string, message: string): Availability {
  return { status: 'False', reason, message };
}

async function serviceFault({ spec }: ApiService, objects: ObjectReader): Promise<Availability | undefined> {
  const { namespace = '', name = '', port = HTTPS_PORT } = spec?.service ?? {};
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = await objects.get<V1Service & { metadata: object }>(SERVICES, namespace, name);
  if (service === undefined) return unavailable('ServiceNotFound', `${where} is not present`);
  if (service.spec?.type === 'ExternalName') return undefined;
  const servicePort = (service.spec?.ports ?? []).find((one) => one.port === port);
  if (servicePort === undefined) return unavailable('ServicePortError', `${where} is not listening on port ${port}`);
  const all = await objects.list<V1EndpointSlice & { metadata: object }>(ENDPOINT_SLICES, namespace);
  const slices = all.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = servicePort.name ?? '';
  const isReady = slices.some(
    ({ ports = [], endpoints = [] }) =>
      ports.some((one) => (one.name ?? '') === portName) &&
      endpoints.some(({ conditions }) => conditions?.ready !== false),
  );
  return isReady
    ? undefined
    : unavailable(
        'MissingEndpoints',
        `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`,
      );
}

async function discoveryFault(
  apiService: ApiService,
  options: AggregationOptions & { clock: Clock },
): Promise<Availability | undefined> {
  const { group = '', version = '', service } = apiService.spec ?? {};
  const path = `/apis/${group}/${version}`;
  const url = `https://${service?.name ?? ''}.${service?.namespace ?? ''}.svc:${service?.port ?? HTTPS_PORT}${path}`;
  const failed = (why: string): Availability =>
    unavailable('FailedDiscoveryCheck', `failing or missing response from ${url}: ${why}`);
  try {
    const { status } = await ask(apiService, path, 'application/json', options);
    // A server that wants to know who asks is there.
    const isThere = (status >= 200 && status < 300) || status === 401 || status === 403;
    return isThere ? undefined : failed(`bad status from ${url}: ${status}`);
  } catch (error) {
    if (error instanceof WebhookCallError) return failed(error.message);
    const text =
      (error as NodeJS.ErrnoException).code === undefined ? (error as Error).message : connectionFault(error).text;
    return failed(`Get ${JSON.stringify(url)}: ${text}`);
  }
}

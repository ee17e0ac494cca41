import type { UserInfo } from '../../../lib/api/meta.js';
import { formatTime } from '../../../lib/clock/clock.js';
import { isApiError } from '../../../lib/api/errors.js';
import type { Registry } from '../registry/context.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { rewriteObject } from '../registry/rewrite.js';
import { availabilityOf, type Availability } from './availability.js';
import {
  AGGREGATOR,
  findRemote,
  isAvailable,
  remoteApiServices,
  type AggregationOptions,
  type ApiService,
} from './extension-servers.js';
import { forward, forwardUpgrade } from './forward.js';
import { RemoteSwagger, type SwaggerPart } from './remote-swagger.js';
import type { UpgradeRequest } from '../streams/upgrade-relay.js';
import { CHECKS_AT_A_TIME } from './limits.js';
import { RemoteDiscovery, type RemoteGroup } from './remote-discovery.js';

type Parts = Pick<Registry, 'catalog' | 'clock' | 'objects' | 'policies' | 'store'>;

/** The API servers of others behind this one: their requests are passed on, their resources told of, their state watched. */
export class Aggregation {
  readonly #registry: Parts;
  readonly #options: AggregationOptions & { clock: Registry['clock'] };
  readonly #discovery: RemoteDiscovery;
  readonly #swagger: RemoteSwagger;

  constructor(registry: Parts, options: AggregationOptions) {
    this.#registry = registry;
    this.#options = { ...options, clock: registry.clock };
    this.#discovery = new RemoteDiscovery(this.#options);
    this.#swagger = new RemoteSwagger(this.#options);
  }

  /** The answer of the extension API server that serves this group and version; undefined when none does. */
  async handle(
    request: ApiRequest,
    where: { group: string; version: string; user: UserInfo },
  ): Promise<ApiResponse | undefined> {
    const { group, version, user } = where;
    const service = await findRemote(this.#registry.policies, group, version);
    return service === undefined ? undefined : forward(service, request, user, this.#options);
  }

  /** Hands an upgrade on to the extension API server that serves this group and version; false when none does. */
  async upgrade(
    request: ApiRequest,
    upgrade: UpgradeRequest,
    where: { group: string; version: string; user: UserInfo },
  ): Promise<boolean> {
    const { group, version, user } = where;
    const service = await findRemote(this.#registry.policies, group, version);
    if (service !== undefined) await forwardUpgrade(service, request, upgrade, { ...this.#options, user });
    return service !== undefined;
  }

  /** Their parts of `/openapi/v2`, those of the higher priority first. */
  async openApiV2(): Promise<readonly SwaggerPart[]> {
    const services = (await remoteApiServices(this.#registry.policies)).filter(isAvailable);
    return services.length === 0 ? [] : this.#swagger.parts(services);
  }

  /** The groups of others, for discovery. */
  async groups(): Promise<RemoteGroup[]> {
    const services = await remoteApiServices(this.#registry.policies);
    return services.length === 0 ? [] : this.#discovery.groups(services);
  }

  /** Addresses of their OpenAPI v3 documents, by `apis/GROUP/VERSION`. */
  async openApiPaths(): Promise<Record<string, { serverRelativeURL: string }>> {
    const services = (await remoteApiServices(this.#registry.policies)).filter(isAvailable);
    return services.length === 0 ? {} : this.#discovery.openApiPaths(services);
  }

  /** A document of theirs, which everybody may read who may read ours. */
  async document(request: ApiRequest, group: string, version: string): Promise<ApiResponse | undefined> {
    return this.handle(request, { group, version, user: AGGREGATOR });
  }

  /** Sees which extension API servers answer, and writes it into their APIServices. */
  async check(): Promise<void> {
    const services = await remoteApiServices(this.#registry.policies);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let service = services[next++]; service !== undefined; service = services[next++]) {
        await this.#checkOne(service);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CHECKS_AT_A_TIME, services.length) }, work));
  }

  async #checkOne(service: ApiService): Promise<void> {
    const { catalog, clock, objects } = this.#registry;
    const found = await availabilityOf(service, objects, this.#options);
    const present = service.status?.conditions?.find(({ type }) => type === 'Available');
    if (present?.status === found.status && present.reason === found.reason && present.message === found.message)
      return;
    const resource = catalog.stored('apiregistration.k8s.io', 'apiservices');
    if (resource === undefined) return;
    const target = { namespace: '', name: service.metadata?.name ?? '', dryRun: false };
    try {
      await rewriteObject(this.#registry, resource, target, (object) => setAvailable(object, found, clock.now()));
    } catch (error) {
      // It has been deleted meanwhile.
      if (!isApiError(error, 'NotFound')) throw error;
    }
  }
}

function setAvailable(object: ApiService, { status, reason, message }: Availability, nowMs: number): void {
  const conditions = object.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'Available');
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : formatTime(nowMs);
  const condition = { type: 'Available', status, reason, message, lastTransitionTime };
  object.status = {
    conditions: [...conditions.filter(({ type }) => type !== 'Available'), condition],
  } as ApiService['status'];
}

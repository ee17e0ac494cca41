import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { UserInfo } from '../../lib/api/meta.js';
import type { Clock } from '../../lib/clock/clock.js';
import { LateModule } from '../../lib/late-module.js';
import type { Random } from '../../lib/random.js';
import type { MessageSource } from '../../lib/schema/protobuf/message-source.js';
import type { V1CustomResourceDefinition } from '../../lib/schema/generated/types.js';
import type { DescribedSchemaSource } from '../../lib/schema/openapi/published-schemas.js';
import type { Store } from '../../lib/store/store.js';
import { builtinActions, builtinReviews } from './actions/index.js';
import { Aggregation } from './aggregation/aggregation.js';
import type { AggregationOptions } from './aggregation/extension-servers.js';
import { policyTypeChecks } from './admission/dynamic/index.js';
import type { AdmissionPlugin, WriteCharges, WriteReservation } from './admission/plugin.js';
import { CustomResources } from './custom/custom-resources.js';
import { CustomStore } from './custom/custom-store.js';
import { DefinitionFollower } from './custom/definition-follower.js';
import { DefinitionReservation } from './custom/definition-reservation.js';
import { ServedSchemas } from './custom/served-schemas.js';
import type { Authenticator, Authorizer } from './auth/auth.js';
import { RequestMetrics } from './discovery/metrics.js';
import { Paths, type DocumentHandler } from './discovery/paths.js';
import type { FetchApp, Origin } from './fetch-app.js';
import { Catalog, describeResource } from './registry/catalog.js';
import { silentLog, type Log, type Registry } from './registry/context.js';
import { expireEvents } from './registry/expiry.js';
import { RequestHandler } from './registry/handler.js';
import type { NodeConnection } from './registry/node-connection.js';
import { StoredObjects } from './registry/objects.js';
import { PolicyObjects } from './registry/policy-objects.js';
import type { ApiRequest, ApiResponse, Peer } from './registry/request.js';
import { UpToDateStore } from './registry/schema-number.js';
import { applyDefaults } from './registry/schema-rules.js';
import type { SubresourceHandler } from './registry/subresource.js';
import { WebSockets } from './registry/upgrade.js';
import { WatchHubs } from './registry/watch-hub.js';
import { validatingAdmissionPolicy } from './resources/admissionregistration/validating-admission-policy.js';
import { customResourceDefinition } from './resources/apiextensions/custom-resource-definition.js';
import { collectionOf, type KindDefinition } from './resources/kind.js';
import { computedMetrics } from './usage/index.js';
import type { WebhookCaller } from './webhooks/webhook-caller.js';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly kinds: readonly KindDefinition[];
  readonly schemas: DescribedSchemaSource & MessageSource;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly admission?: readonly AdmissionPlugin[];
  /** The end of the admission chain: resource quotas. */
  readonly charges?: WriteCharges;
  /** By collection: `core/services`. */
  readonly reservations?: Readonly<Record<string, WriteReservation>>;
  /** Actions by `<plural>/<subresource>` or `<subresource>`: `serviceaccounts/token`. */
  readonly subresources?: Readonly<Record<string, SubresourceHandler>>;
  /** Kinds that are never stored, by kind: `TokenReview`. */
  readonly reviews?: Readonly<Record<string, SubresourceHandler>>;
  /** Further documents, by exact path: `/openid/v1/jwks`. */
  readonly documents?: Readonly<Record<string, DocumentHandler>>;
  readonly nodeConnection?: NodeConnection;
  /** Calls conversion webhooks; without it definitions that need one answer with an error. */
  readonly webhookCaller?: WebhookCaller;
  /** A watch ends after so long at the latest: hosts that pay for open ones have one. */
  readonly watchSecondsMax?: number;
  /** How API servers of others are reached; absent: none are. */
  readonly aggregation?: AggregationOptions;
  readonly log?: Log;
}

const DEFINITIONS_COLLECTION = collectionOf(customResourceDefinition);

/** Few requests are for the documents. */
const openApiMaker = new LateModule(() => import('./discovery/openapi.js'));
/** Functions and the local server call the core itself. */
const fetchForms = new LateModule(() => import('./fetch-app.js'));

export interface ApiServer {
  /** The core: what every host and transport calls. Never rejects. */
  handle(request: ApiRequest): Promise<ApiResponse>;
  /** For hosts that speak the web's Request and Response. */
  fetch(request: Request, peer?: Peer): Promise<Response>;
  /** WebSocket requests, which only hosts with sockets offer. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, peer?: Peer): void;
  /** A way in with an identity fixed now: the same chain without authentication and without a network. */
  inProcess(user: UserInfo): InProcess;
  /** Deletes the events whose time is over, and says how many. To be called every few minutes. */
  expireEvents(): Promise<number>;
  /** Sees which API servers of others answer, and says so in their APIServices. To be called every few seconds. */
  checkExtensionServers(): Promise<void>;
  /** Ends all watches. The store stays open: it belongs to who opened it. */
  close(): void;
}

export interface InProcess {
  fetch(request: Request): Promise<Response>;
  handle(request: ApiRequest): Promise<ApiResponse>;
}

/** Builds the API server from its dependencies. It starts nothing: timers and readers live only while watches are open. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock, random } = options;
  const catalog = new Catalog(options.kinds);
  const custom = new CustomResources({
    catalog,
    source: options.schemas,
    random,
    webhookCaller: options.webhookCaller,
    outdated(collection) {
      objects.forget(collection);
      hubs.retire(collection);
    },
  });
  const schemas = new ServedSchemas(options.schemas, custom);
  const customStore = new CustomStore(
    options.store,
    (collection) => custom.collection(collection),
    (collection) => custom.versionsOf(collection).forEach((one) => policies.wrote(one)),
  );
  const store = new UpToDateStore(customStore, catalog, {
    upgrade: (resource, object) => applyDefaults({ schemas }, resource, object),
    wrote: (collection) => policies.wrote(collection),
  });
  const objects = new StoredObjects(store, catalog);
  const policies = new PolicyObjects({ store, objects, catalog, clock });
  const aggregation =
    options.aggregation === undefined
      ? undefined
      : new Aggregation({ store, objects, policies, catalog, clock }, options.aggregation);
  const hubs = new WatchHubs({ store, objects, clock });
  const refreshCustom = (): Promise<void> => custom.refresh(policies);
  const definitionNames = new DefinitionReservation({
    store,
    clock,
    definitions: () => objects.list<V1CustomResourceDefinition & { metadata: object }>(customResourceDefinition),
  });
  const follower = new DefinitionFollower({
    clock,
    open: () => hubs.open(describeResource(customResourceDefinition)),
    changed() {
      policies.wrote(DEFINITIONS_COLLECTION);
      return refreshCustom();
    },
  });
  const registry: Registry = {
    store,
    clock,
    random,
    catalog,
    schemas,
    objects,
    policies,
    refreshCustom,
    followDefinitions: () => follower.retain(),
    convertCustom: (object, to) => custom.convert(object, to),
    hubs,
    watches: { open: 0 },
    watchSecondsMax: options.watchSecondsMax ?? Infinity,
    authorizer: options.authorizer,
    admission: options.admission ?? [],
    charges: options.charges,
    reservations: {
      [DEFINITIONS_COLLECTION]: definitionNames,
      [collectionOf(validatingAdmissionPolicy)]: policyTypeChecks({
        kinds: catalog,
        schemas,
        refresh: refreshCustom,
      }),
      ...options.reservations,
    },
    subresources: { ...builtinActions, ...options.subresources },
    reviews: { ...builtinReviews, ...options.reviews },
    nodeConnection: options.nodeConnection,
    computed: computedMetrics(clock),
    aggregation,
    log: options.log ?? silentLog,
  };
  const metrics = new RequestMetrics(clock);
  let documents: DocumentHandler | undefined;
  const openApi: DocumentHandler = async (request, query) => {
    if (documents === undefined) await openApiMaker.load();
    documents ??= openApiMaker.module.openApiHandler(catalog, schemas, {
      refresh: registry.refreshCustom,
      aggregation,
    });
    return documents(request, query);
  };
  const computedGroups = new Set(options.kinds.filter(({ computed }) => computed === true).map(({ group }) => group));
  const paths = new Paths({
    catalog,
    refresh: registry.refreshCustom,
    checks: [
      { name: 'ping', check: async () => undefined },
      { name: 'store', check: async () => void (await store.revision('core/namespaces')) },
    ],
    metrics: () => metrics.response(registry.watches.open),
    documents: {
      '/openapi/': openApi,
      ...options.documents,
    },
    remote: async () => {
      const groups = (await aggregation?.groups()) ?? [];
      // Who serves in our place serves the same.
      return groups.filter(({ group }) => !computedGroups.has(group));
    },
  });
  const handler = new RequestHandler({
    registry,
    authenticator: options.authenticator,
    paths: (request, query) => paths.answer(request, query),
    observer: metrics,
  });
  const sockets = new WebSockets(registry, handler);
  const handle = (request: ApiRequest): Promise<ApiResponse> => handler.handle(request);

  let app: FetchApp | undefined;
  const fetchFrom = async (request: Request, origin: Origin): Promise<Response> => {
    if (app === undefined) await fetchForms.load();
    return (app ??= fetchForms.module.fetchApp(handle)).fetch(request, origin);
  };
  return {
    handle,
    fetch: (request, peer) => fetchFrom(request, peer === undefined ? {} : { peer }),
    upgrade: (request, socket, head, peer) => void sockets.upgrade(request, socket, head, peer),
    inProcess: (user) => ({
      fetch: (request) => fetchFrom(request, { user }),
      handle: (request) => handle({ ...request, user }),
    }),
    expireEvents: () => expireEvents(registry),
    checkExtensionServers: async () => aggregation?.check(),
    close() {
      sockets.close();
      registry.hubs.close();
    },
  };
}

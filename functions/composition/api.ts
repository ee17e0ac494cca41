import type { ApiServerOptions } from '../apiserver/app.js';
import { createApiServer, type ApiServer } from '../apiserver/app.js';
import { admissionChain } from '../apiserver/admission/index.js';
import { serviceAllocation } from '../apiserver/allocation/index.js';
import type { TokenVerifier } from '../apiserver/auth/auth.js';
import { ChainAuthenticator, type StaticToken } from '../apiserver/auth/authenticator.js';
import { FixedAuthorizer } from '../apiserver/auth/authorizer.js';
import { NodeAuthorizer } from '../apiserver/auth/node-authorizer.js';
import { StoreNodeReferences } from '../apiserver/auth/node-references.js';
import { openIdDocuments } from '../apiserver/auth/oidc-discovery.js';
import { reviewHandlers, tokenRequestHandler } from '../apiserver/auth/reviews.js';
import { ServiceAccountTokens } from '../apiserver/auth/service-account-tokens.js';
import { SigningKeys } from '../apiserver/auth/signing-keys.js';
import { QuotaCharges } from '../apiserver/quota/quota-charges.js';
import { Catalog } from '../apiserver/registry/catalog.js';
import type { Log } from '../apiserver/registry/context.js';
import type { NodeConnection } from '../apiserver/registry/node-connection.js';
import { StoredObjects } from '../apiserver/registry/objects.js';
import { kinds } from '../apiserver/resources/index.js';
import { HttpsConnector } from '../apiserver/webhooks/https-connector.js';
import { HttpsWebhookCaller } from '../apiserver/webhooks/https-webhook-caller.js';
import { EndpointResolver } from '../apiserver/webhooks/service-resolver.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import { builtinSchemas } from '../../lib/schema/builtin/builtin-schemas.js';
import type { Store } from '../../lib/store/store.js';

/** What an API server is made of, wherever it runs. */
export interface ApiOptions {
  store: Store;
  clock: Clock;
  random: Random;
  serviceCidr: string;
  /** Addresses of the API server for `default/kubernetes`, and its port. */
  endpoint: Endpoint;
  /** PEM private keys for service account tokens, newest first. */
  signingKeys: readonly string[];
  /** Bearer tokens that are known beforehand. */
  staticTokens?: readonly StaticToken[];
  /** Tokens of other issuers. */
  verifiers?: readonly TokenVerifier[];
  /** What clients outside call the server, as its OpenID documents say it. Default: the endpoint's first address. */
  serverUrl?: string;
  /** A watch ends after so long at the latest. Default: as its client asks. */
  watchSecondsMax?: number;
  /** How long pods stay on a node that is not ready or unreachable when they say nothing: Kubernetes has 300. */
  defaultTolerationSeconds: number;
  nodeConnection?: NodeConnection;
  /** Who the API server is to API servers behind it. */
  frontProxy?: FrontProxy;
  log: Log;
  /** Tests put other parts into the API server here. */
  overrideApi?: (api: ApiServerOptions) => ApiServerOptions;
}

/** The identity by which API servers behind this one believe it who asks. */
export interface FrontProxy {
  /** PEM of the client certificate and its key. */
  readonly identity: { readonly cert: string; readonly key: string };
  /** PEM of the CA that it comes from. */
  readonly caCertificate: string;
}

export interface Endpoint {
  addresses: string[];
  port: number;
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** The API server with everything that answers, checks and admits. `repair` puts service reservations right that a crash has left. */
export function composeApi(options: ApiOptions): { api: ApiServer; repair: () => Promise<unknown> } {
  const { store, clock, random, log } = options;
  const objects = new StoredObjects(store, new Catalog(kinds));
  const tokens = new ServiceAccountTokens({
    keys: new SigningKeys(options.signingKeys),
    issuer: ISSUER,
    clock,
    random,
    objects,
  });
  const authenticator = new ChainAuthenticator({
    serviceAccountTokens: tokens,
    ...(options.staticTokens === undefined ? {} : { staticTokens: options.staticTokens }),
    ...(options.verifiers === undefined ? {} : { verifiers: options.verifiers }),
  });
  const authorizer = new FixedAuthorizer(new NodeAuthorizer(objects, new StoreNodeReferences(store)));
  const allocation = serviceAllocation({
    store,
    clock,
    random,
    serviceCidrs: options.serviceCidr.split(','),
    onLeak: (owner, error) => log.warn({ owner, error: String(error) }, 'a service reservation waits for repair'),
  });
  const connector = new HttpsConnector(options.nodeConnection);
  const services = new EndpointResolver(objects, random);
  const webhookCaller = new HttpsWebhookCaller({ connector, services, clock });
  const parts: ApiServerOptions = {
    store,
    clock,
    random,
    kinds,
    schemas: builtinSchemas(),
    authenticator,
    authorizer,
    admission: admissionChain({
      webhooks: webhookCaller,
      tolerations: {
        notReadySeconds: options.defaultTolerationSeconds,
        unreachableSeconds: options.defaultTolerationSeconds,
      },
    }),
    webhookCaller,
    charges: new QuotaCharges({
      store,
      clock,
      onLeak: (namespace, error) => log.warn({ namespace, error: String(error) }, 'a quota waits to be counted again'),
    }),
    reservations: allocation.reservations,
    subresources: { 'serviceaccounts/token': tokenRequestHandler(tokens) },
    reviews: reviewHandlers(authenticator, authorizer),
    documents: openIdDocuments(tokens, options.serverUrl ?? serverUrl(options.endpoint)),
    ...(options.nodeConnection === undefined ? {} : { nodeConnection: options.nodeConnection }),
    ...(options.watchSecondsMax === undefined ? {} : { watchSecondsMax: options.watchSecondsMax }),
    aggregation: {
      connector,
      services,
      ...(options.frontProxy === undefined ? {} : { identity: options.frontProxy.identity }),
    },
    log,
  };
  const api = createApiServer(options.overrideApi?.(parts) ?? parts);
  const close = (): void => {
    connector.close();
    api.close();
  };
  return { api: { ...api, close }, repair: () => allocation.repair() };
}

function serverUrl({ addresses, port }: Endpoint): string {
  const [address = 'localhost'] = addresses;
  return `https://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

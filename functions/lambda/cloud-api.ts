import type { ApiServer } from '../apiserver/app.js';
import type { TokenVerifier } from '../apiserver/auth/auth.js';
import type { StsFetch } from '../apiserver/auth/aws-iam/sts.js';
import { generateSigningKey } from '../apiserver/auth/signing-keys.js';
import { inProcessTransport } from '../apiserver/in-process-transport.js';
import { composeApi, type Endpoint, type FrontProxy } from '../composition/api.js';
import type { UserInfo } from '../../lib/api/meta.js';
import { LateModule } from '../../lib/late-module.js';
import type { Transport } from '../../lib/client/transport.js';
import type { Store } from '../../lib/store/store.js';
import { frontProxy } from './authority.js';
import { openStore, type CloudParts } from './parts.js';

/** The API server inside a function: of the one that serves it, and of those whose components call it without a network. */
export interface CloudApi {
  readonly api: ApiServer;
  readonly store: Store;
  readonly repair: () => Promise<unknown>;
  readonly frontProxy: FrontProxy | undefined;
  transport(user: UserInfo): Transport;
}

/**
 * `default/kubernetes` needs an address, and a function has none: nodes translate this one, which is nobody's (RFC 5737), and terminate TLS
 * for it themselves.
 */
export const CLOUD_ENDPOINT: Endpoint = { addresses: ['192.0.2.1'], port: 443 };

/** The other functions, over the same API server, never see a token. */
const awsIam = new LateModule(() => import('../apiserver/auth/aws-iam/index.js'));

const PEM_END = /(?<=-----END [A-Z ]*PRIVATE KEY-----)\s*/;

/**
 * Opens the store and the API server over it. Reads the keys, and makes them at the very first start. Tokens of AWS are read where requests
 * come from outside.
 */
export async function openApi(parts: CloudParts, { isServed }: { isServed: boolean }): Promise<CloudApi> {
  const { config, clock, random, log, parameters } = parts;
  const store = openStore(parts);
  const [keys, serverUrl, proxy] = await Promise.all([
    parameters.readOrMake(config.signingKeysParameter, generateSigningKey),
    config.endpointParameter === undefined ? undefined : parameters.read(config.endpointParameter),
    frontProxy(parts),
  ]);
  const verifiers = isServed ? await verifiersOf(parts) : [];
  const { api, repair } = composeApi({
    store,
    clock,
    random,
    log,
    serviceCidr: config.serviceCidr,
    endpoint: CLOUD_ENDPOINT,
    ...(serverUrl === undefined ? {} : { serverUrl: serverUrl.replace(/\/$/, '') }),
    signingKeys: keys.split(PEM_END).filter((key) => key.trim() !== ''),
    defaultTolerationSeconds: config.tolerationSeconds,
    watchSecondsMax: config.watchSeconds,
    verifiers,
    ...(proxy === undefined ? {} : { frontProxy: proxy }),
  });
  return {
    api,
    store,
    repair,
    frontProxy: proxy,
    transport: (user) => inProcessTransport((request) => api.handle(request), user),
  };
}

async function verifiersOf(parts: CloudParts): Promise<TokenVerifier[]> {
  const { config, clock, log } = parts;
  if (config.awsIdentity === undefined) return [];
  await awsIam.load();
  const { awsIamTokens, readAwsIdentityConfig } = awsIam.module;
  const identity = readAwsIdentityConfig(config.awsIdentity);
  return [awsIamTokens(identity, { clusterName: config.cluster, clock, log, ...stsOf(parts) })];
}

function stsOf({ sts }: CloudParts): { fetch: StsFetch; stsEndpoint?: string } {
  return sts.endpoint === undefined ? { fetch: sts.fetch } : { fetch: sts.fetch, stsEndpoint: sts.endpoint };
}

import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { V1APIService } from '../../../lib/schema/generated/types.js';
import type { PolicyReader } from '../admission/plugin.js';
import { HttpsConnector, type HttpsTarget } from '../webhooks/https-connector.js';
import type { ServiceResolver } from '../webhooks/service-resolver.js';

export type ApiService = V1APIService & KubernetesObject;

/** Who this API server is to extension API servers, and how they are reached. */
export interface AggregationOptions {
  readonly connector: HttpsConnector;
  readonly services: ServiceResolver;
  /** PEM: the client certificate by which they know that X-Remote-User is true. Absent: they will not believe it. */
  readonly identity?: { readonly cert: string; readonly key: string };
}

const API_SERVICES = { group: 'apiregistration.k8s.io', plural: 'apiservices' };
const HTTPS_PORT = 443;

/** APIServices of others, which are served by a service in the cluster. */
export async function remoteApiServices(policies: PolicyReader): Promise<ApiService[]> {
  const all = await policies.list<ApiService>(API_SERVICES);
  return all.filter(({ spec }) => spec?.service !== undefined);
}

export async function findRemote(
  policies: PolicyReader,
  group: string,
  version: string,
): Promise<ApiService | undefined> {
  const all = await remoteApiServices(policies);
  return all.find(({ spec }) => spec?.group === group && spec.version === version);
}

export function isAvailable({ status }: ApiService): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Available' && value === 'True') === true;
}

/** The server behind an APIService. Rejects with a `WebhookCallError` where its service leads nowhere. */
export async function targetOf(service: ApiService, options: AggregationOptions): Promise<HttpsTarget> {
  const { namespace = '', name = '', port = HTTPS_PORT } = service.spec?.service ?? {};
  const { caBundle = '', insecureSkipTLSVerify = false } = service.spec ?? {};
  const serverName = `${name}.${namespace}.svc`;
  return {
    address: await options.services.resolve({ namespace, name, port }),
    serverName,
    authority: `${serverName}:${port}`,
    ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString('utf8') }),
    insecureSkipVerify: insecureSkipTLSVerify,
    ...(options.identity === undefined ? {} : { identity: options.identity }),
  };
}

/** The headers by which an extension API server learns who asks. */
export function identityHeaders(user: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': headerText(user.username) };
  if (user.uid !== undefined && user.uid !== '') headers['x-remote-uid'] = headerText(user.uid);
  if (user.groups.length > 0) headers['x-remote-group'] = user.groups.map(headerText);
  for (const [key, values] of Object.entries(user.extra ?? {})) {
    headers[`x-remote-extra-${escapeKey(key)}`] = values.map(headerText);
  }
  return headers;
}

/** Headers carry bytes: each byte of the UTF-8 form goes as one character. */
function headerText(text: string): string {
  return Buffer.from(text.replace(/\p{Cc}/gu, ' ')).toString('latin1');
}

/** What is no token of HTTP is percent-encoded, as Kubernetes does it. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character)
        ? character.toLowerCase()
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** The user who looks after extension API servers on nobody's behalf. */
export const AGGREGATOR: UserInfo = { username: 'system:kube-aggregator', groups: ['system:masters'] };

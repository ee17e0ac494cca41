import { badRequest, conflict, invalidError, notFoundError } from '../../../lib/api/errors.js';
import { invalid, type FieldError } from '../../../lib/api/field-errors.js';
import { parseApiVersion, type KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime } from '../../../lib/clock/clock.js';
import type {
  AuthenticationV1TokenRequest,
  V1BoundObjectReference,
  V1Pod,
  V1ServiceAccount,
} from '../../../lib/schema/generated/types.js';
import type { ObjectReader } from '../admission/plugin.js';
import type { SubresourceHandler } from '../registry/subresource.js';
import {
  TOKEN_EXPIRATION_DEFAULT_SECONDS,
  TOKEN_EXPIRATION_MAX_SECONDS,
  TOKEN_EXPIRATION_MIN_SECONDS,
} from './limits.js';
import type { ServiceAccountTokens, TokenBinding } from './service-account-tokens.js';

const KIND = { group: 'authentication.k8s.io', kind: 'TokenRequest' };

/** POST serviceaccounts/NAME/token: issues a token. */
export function tokenRequestHandler(tokens: ServiceAccountTokens): SubresourceHandler {
  return {
    create: async ({ body, namespace, name, registry }) => {
      const request = (body ?? {}) as AuthenticationV1TokenRequest;
      const { objects, clock } = registry;
      const account = await serviceAccountFor(request, namespace, name, objects);
      const spec = request.spec;
      const audiences = spec?.audiences?.length ? spec.audiences : [...tokens.audiences];
      const expirationSeconds = spec?.expirationSeconds ?? TOKEN_EXPIRATION_DEFAULT_SECONDS;
      const errors = checkExpiration(expirationSeconds);
      if (errors.length > 0) throw invalidError(KIND, '', errors);
      const reference = spec?.boundObjectRef;
      const binding = reference == null ? undefined : await bind(reference, namespace, name, objects);
      const now = clock.now();
      const token = await tokens.issue(account, { audiences, expirationSeconds, binding });
      const answer: KubernetesObject & AuthenticationV1TokenRequest = {
        ...(request as KubernetesObject),
        kind: KIND.kind,
        apiVersion: 'authentication.k8s.io/v1',
        metadata: {
          ...request.metadata,
          name,
          namespace,
          uid: account.metadata?.uid,
          creationTimestamp: formatTime(now),
        },
        spec: { ...spec, audiences, expirationSeconds },
        status: { token, expirationTimestamp: formatTime(now + expirationSeconds * 1_000) },
      };
      return answer;
    },
  };
}

async function serviceAccountFor(
  request: AuthenticationV1TokenRequest,
  namespace: string,
  name: string,
  objects: ObjectReader,
): Promise<V1ServiceAccount> {
  const given = request.metadata ?? {};
  if (given.name && given.name !== name)
    throw invalidError(KIND, name, [
      invalid('metadata.name', given.name, 'must match the service account name if specified'),
    ]);
  if (given.namespace && given.namespace !== namespace)
    throw invalidError(KIND, name, [
      invalid('metadata.namespace', given.namespace, 'must match the service account namespace if specified'),
    ]);
  const account = await objects.get<V1ServiceAccount>({ group: '', plural: 'serviceaccounts' }, namespace, name);
  if (account === undefined) throw notFoundError({ group: '', resource: 'serviceaccounts' }, name);
  if (given.uid && given.uid !== account.metadata?.uid)
    throw conflict(
      { group: KIND.group, resource: KIND.kind },
      name,
      `the UID in the token request (${given.uid}) does not match the UID of the service account (${account.metadata?.uid})`,
    );
  return account;
}

function checkExpiration(seconds: number): FieldError[] {
  const field = 'spec.expirationSeconds';
  if (seconds < TOKEN_EXPIRATION_MIN_SECONDS)
    return [invalid(field, seconds, 'may not specify a duration less than 10 minutes')];
  if (seconds > TOKEN_EXPIRATION_MAX_SECONDS)
    return [invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds')];
  return [];
}

/** Finds what the token shall be bound to. A pod's token also says the node the pod runs on. */
async function bind(
  reference: V1BoundObjectReference,
  namespace: string,
  accountName: string,
  objects: ObjectReader,
): Promise<TokenBinding> {
  const { kind = '', apiVersion = '', name = '' } = reference;
  const { group, version } = parseApiVersion(apiVersion);
  const find = async (plural: string, ofNamespace: string): Promise<KubernetesObject> => {
    const object = await objects.get({ group: '', plural }, ofNamespace, name);
    if (object === undefined) throw notFoundError({ group: '', resource: plural }, name);
    if (reference.uid && reference.uid !== object.metadata?.uid)
      throw conflict(
        { group, resource: kind },
        name,
        `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return object;
  };
  const claim = (object: KubernetesObject): { name: string; uid?: string } => ({ name, uid: object.metadata?.uid });
  switch (group === '' ? kind : '') {
    case 'Pod': {
      const pod = (await find('pods', namespace)) as V1Pod;
      if (pod.spec?.serviceAccountName !== accountName)
        throw badRequest(
          `cannot bind token for serviceaccount ${JSON.stringify(accountName)} to pod running with different serviceaccount name.`,
        );
      const nodeName = pod.spec.nodeName;
      if (!nodeName) return { pod: claim(pod as KubernetesObject) };
      const node = await objects.get({ group: '', plural: 'nodes' }, '', nodeName);
      return { pod: claim(pod as KubernetesObject), node: { name: nodeName, uid: node?.metadata?.uid } };
    }
    case 'Node':
      return { node: claim(await find('nodes', '')) };
    case 'Secret':
      return { secret: claim(await find('secrets', namespace)) };
    default:
      throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
}

import type { UserInfo } from '../../../lib/api/meta.js';

/** Names of users and groups that Kubernetes fixes. */
export const MASTERS_GROUP = 'system:masters';
export const AUTHENTICATED_GROUP = 'system:authenticated';
export const UNAUTHENTICATED_GROUP = 'system:unauthenticated';
export const NODES_GROUP = 'system:nodes';
export const SERVICE_ACCOUNTS_GROUP = 'system:serviceaccounts';
export const MONITORING_GROUP = 'system:monitoring';
export const ANONYMOUS_USERNAME = 'system:anonymous';
export const SCHEDULER_USERNAME = 'system:kube-scheduler';
export const CONTROLLER_MANAGER_USERNAME = 'system:kube-controller-manager';
export const DISPATCHER_USERNAME = 'system:apiserver/dispatcher';

/** The common name of the certificate by which API servers behind this one know it. */
export const FRONT_PROXY_NAME = 'front-proxy-client';

const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';
const NODE_PREFIX = 'system:node:';

export const ANONYMOUS: UserInfo = { username: ANONYMOUS_USERNAME, groups: [UNAUTHENTICATED_GROUP] };

/** Paths that answer without credentials, to GET and HEAD. */
const PUBLIC_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz', '/version', '/version/']);

/** The user of a request without credentials, or undefined where one is needed (answer 401 then). */
export function anonymousUser(method: string, path: string): UserInfo | undefined {
  return (method === 'GET' || method === 'HEAD') && PUBLIC_PATHS.has(path) ? ANONYMOUS : undefined;
}

export function serviceAccountUsername(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return [SERVICE_ACCOUNTS_GROUP, `${SERVICE_ACCOUNTS_GROUP}:${namespace}`];
}

/** The inverse of `serviceAccountUsername`; undefined for other users. */
export function parseServiceAccountUsername(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const parts = username.slice(SERVICE_ACCOUNT_PREFIX.length).split(':');
  const [namespace, name] = parts;
  return parts.length === 2 && namespace && name ? { namespace, name } : undefined;
}

/** The node that makes a request; '' for a member of system:nodes whose name says no node, undefined for everybody else. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.groups.includes(NODES_GROUP)) return undefined;
  return user.username.startsWith(NODE_PREFIX) ? user.username.slice(NODE_PREFIX.length) : '';
}

export function nodeUsername(nodeName: string): string {
  return `${NODE_PREFIX}${nodeName}`;
}

/** The user with system:authenticated among the groups. */
export function asAuthenticated(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED_GROUP) || user.groups.includes(UNAUTHENTICATED_GROUP)
    ? user
    : { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
}

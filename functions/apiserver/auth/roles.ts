import type { UserInfo } from '../../../lib/api/meta.js';
import { CONTROLLER_MANAGER_RULES, CONTROLLER_RULES, DISPATCHER_RULES, SCHEDULER_RULES } from './component-roles.js';
import { rule, urlRule, type PolicyRule } from './policy-rule.js';
import {
  AUTHENTICATED_GROUP,
  CONTROLLER_MANAGER_USERNAME,
  DISPATCHER_USERNAME,
  MONITORING_GROUP,
  SCHEDULER_USERNAME,
  SERVICE_ACCOUNTS_GROUP,
  serviceAccountUsername,
  UNAUTHENTICATED_GROUP,
} from './users.js';

/** Rules under a name, and who has them. */
export interface BoundRole {
  /** Name of the ClusterRole and of its binding in Kubernetes. */
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
}

/** Until RBAC is read from the store, these bindings and no others hold. */
const ROLES: readonly BoundRole[] = [
  {
    name: 'system:public-info-viewer',
    groups: [AUTHENTICATED_GROUP, UNAUTHENTICATED_GROUP],
    rules: [urlRule('get', ['/livez', '/readyz', '/healthz', '/version', '/version/'])],
  },
  {
    name: 'system:discovery',
    groups: [AUTHENTICATED_GROUP],
    rules: [urlRule('get', ['/openapi', '/openapi/*', '/api', '/api/*', '/apis', '/apis/*'])],
  },
  {
    name: 'system:basic-user',
    groups: [AUTHENTICATED_GROUP],
    rules: [
      rule('create', ['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
      rule('create', ['authentication.k8s.io'], ['selfsubjectreviews']),
    ],
  },
  {
    name: 'system:service-account-issuer-discovery',
    groups: [SERVICE_ACCOUNTS_GROUP],
    rules: [
      urlRule('get', [
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ]),
    ],
  },
  {
    name: 'system:monitoring',
    groups: [MONITORING_GROUP],
    rules: [
      urlRule('get', [
        '/metrics',
        '/metrics/slis',
        '/livez',
        '/livez/*',
        '/readyz',
        '/readyz/*',
        '/healthz',
        '/healthz/*',
      ]),
      rule('get', [''], ['nodes/metrics']),
    ],
  },
  { name: 'system:kube-scheduler', users: [SCHEDULER_USERNAME], rules: SCHEDULER_RULES },
  { name: 'system:kube-controller-manager', users: [CONTROLLER_MANAGER_USERNAME], rules: CONTROLLER_MANAGER_RULES },
  { name: 'system:dispatcher', users: [DISPATCHER_USERNAME], rules: DISPATCHER_RULES },
  ...Object.entries(CONTROLLER_RULES).map(([controller, rules]) => ({
    name: `system:controller:${controller}`,
    users: [serviceAccountUsername('kube-system', controller)],
    rules,
  })),
];

const BY_SUBJECT = indexBySubject();

/** A role of a user, with the subject that gives it, in Kubernetes' words. */
export interface GrantedRole {
  readonly role: BoundRole;
  readonly subject: string;
}

/** By user: one that makes many requests is one object for as long as its connection or transport lasts. */
const known = new WeakMap<UserInfo, readonly GrantedRole[]>();

/** The roles a user has by name or group. Users must not be changed once they are known. */
export function rolesOf(user: UserInfo): readonly GrantedRole[] {
  let roles = known.get(user);
  if (roles === undefined) known.set(user, (roles = findRoles(user)));
  return roles;
}

function findRoles(user: UserInfo): GrantedRole[] {
  const found = (BY_SUBJECT.users.get(user.username) ?? []).map((role) => ({
    role,
    subject: `User ${JSON.stringify(user.username)}`,
  }));
  for (const group of user.groups)
    for (const role of BY_SUBJECT.groups.get(group) ?? [])
      found.push({ role, subject: `Group ${JSON.stringify(group)}` });
  return found;
}

function indexBySubject(): { users: Map<string, BoundRole[]>; groups: Map<string, BoundRole[]> } {
  const users = new Map<string, BoundRole[]>();
  const groups = new Map<string, BoundRole[]>();
  for (const role of ROLES) {
    for (const user of role.users ?? []) users.set(user, [...(users.get(user) ?? []), role]);
    for (const group of role.groups ?? []) groups.set(group, [...(groups.get(group) ?? []), role]);
  }
  return { users, groups };
}

import { forbiddenError, type ApiError } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import type { Authorizer, AuthorizationAttributes } from './auth.js';
import { NODE_RULES, type NodeAuthorizer } from './node-authorizer.js';
import { ruleAllows, type PolicyRule } from './policy-rule.js';
import { rolesOf } from './roles.js';
import { MASTERS_GROUP, nodeNameOf } from './users.js';

export interface Decision {
  allowed: boolean;
  reason: string;
}

/** What a user may do, as far as it can be listed. */
export interface UserRules {
  rules: readonly PolicyRule[];
  incomplete: boolean;
  /** Why it is incomplete. */
  evaluationError?: string;
}

export interface RuleResolver {
  rulesFor(user: UserInfo): UserRules;
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/**
 * system:masters may do everything, nodes what concerns their own pods, components what their fixed roles say, and
 * everybody with credentials may read discovery and ask about themselves.
 */
export class FixedAuthorizer implements Authorizer, RuleResolver {
  readonly #nodes: NodeAuthorizer;

  constructor(nodes: NodeAuthorizer) {
    this.#nodes = nodes;
  }

  async authorize(attributes: AuthorizationAttributes): Promise<Decision> {
    const { user } = attributes;
    if (user.groups.includes(MASTERS_GROUP)) return { allowed: true, reason: '' };
    for (const { role, subject } of rolesOf(user))
      if (role.rules.some((candidate) => ruleAllows(candidate, attributes)))
        return {
          allowed: true,
          reason: `RBAC: allowed by ClusterRoleBinding "${role.name}" of ClusterRole "${role.name}" to ${subject}`,
        };
    const nodeName = nodeNameOf(user);
    return nodeName === undefined ? { allowed: false, reason: '' } : this.#nodes.authorize(nodeName, attributes);
  }

  rulesFor(user: UserInfo): UserRules {
    if (user.groups.includes(MASTERS_GROUP)) return { rules: EVERYTHING, incomplete: false };
    const rules = rolesOf(user).flatMap(({ role }) => role.rules);
    return nodeNameOf(user) === undefined
      ? { rules, incomplete: false }
      : {
          rules: [...rules, ...NODE_RULES],
          incomplete: true,
          evaluationError: 'node authorizer does not support user rule resolution',
        };
  }
}

/** The 403 for a request the authorizer did not allow: `pods is forbidden: User "x" cannot list resource "pods" in API group "" …`. */
export function forbiddenByAuthorizer(attributes: AuthorizationAttributes, reason: string): ApiError {
  const text = describe(attributes).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return forbiddenError(
    { group: attributes.group, resource: attributes.resource },
    attributes.name,
    reason === '' ? text : `${text}: ${reason}`,
  );
}

function describe(attributes: AuthorizationAttributes): string {
  const subject = `User ${JSON.stringify(attributes.user.username)} cannot ${attributes.verb}`;
  if (!attributes.resourceRequest) return `${subject} path ${JSON.stringify(attributes.path)}`;
  const { resource, subresource, group, namespace } = attributes;
  const what = JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`);
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${subject} resource ${what} in API group ${JSON.stringify(group)} ${where}`;
}

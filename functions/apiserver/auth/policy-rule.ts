import type { V1PolicyRule } from '../../../lib/schema/generated/types.js';
import type { AuthorizationAttributes } from './auth.js';

/** A rule as in a ClusterRole. */
export type PolicyRule = V1PolicyRule;

/** `rule('get list', ['apps'], ['deployments', 'deployments/status'])`. */
export function rule(verbs: string, apiGroups: string[], resources: string[], resourceNames?: string[]): PolicyRule {
  return { verbs: verbs.split(' '), apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) };
}

export function urlRule(verbs: string, nonResourceURLs: string[]): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs };
}

/** Whether a rule grants what is asked, as RBAC reads it. */
export function ruleAllows(candidate: PolicyRule, asked: AuthorizationAttributes): boolean {
  if (!candidate.verbs.includes('*') && !candidate.verbs.includes(asked.verb)) return false;
  return asked.resourceRequest ? resourceMatches(candidate, asked) : urlMatches(candidate, asked.path);
}

function resourceMatches(candidate: PolicyRule, asked: AuthorizationAttributes): boolean {
  const groups = candidate.apiGroups ?? [];
  if (!groups.includes('*') && !groups.includes(asked.group)) return false;
  const names = candidate.resourceNames;
  if (names !== undefined && names.length > 0 && !names.includes(asked.name)) return false;
  const combined = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  return (candidate.resources ?? []).some(
    (resource) =>
      resource === '*' || resource === combined || (asked.subresource !== '' && resource === `*/${asked.subresource}`),
  );
}

function urlMatches(candidate: PolicyRule, path: string): boolean {
  return (candidate.nonResourceURLs ?? []).some(
    (url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))),
  );
}

import type { V1RuleWithOperations } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, ObjectForm } from '../plugin.js';

const EXEMPT: ReadonlySet<string> = new Set([
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
]);

/** What configures dynamic admission is never subject to it: otherwise nobody could take away a configuration that refuses everything. */
export function isExempt({ kind }: AdmissionAttributes): boolean {
  return kind.group === 'admissionregistration.k8s.io' && EXEMPT.has(kind.plural);
}

/** The namespace of a request as webhooks see it: of a namespace object its own name. */
export function namespaceOf(attributes: AdmissionAttributes): string {
  return isNamespace(attributes) ? attributes.name : attributes.namespace;
}

function isNamespace({ kind }: AdmissionAttributes): boolean {
  return kind.group === '' && kind.plural === 'namespaces';
}

type Form = Pick<ObjectForm, 'group' | 'version' | 'resource'>;

/** Whether one rule is about this write when its resource is named so. */
export function ruleMatches(rule: V1RuleWithOperations, attributes: AdmissionAttributes, form: Form): boolean {
  return (
    scopeMatches(rule.scope, attributes) &&
    includes(rule.operations, attributes.operation) &&
    includes(rule.apiGroups, form.group) &&
    includes(rule.apiVersions, form.version) &&
    (rule.resources ?? []).some((text) => resourceMatches(text, form.resource, attributes.subresource))
  );
}

function includes(values: readonly string[] | undefined, wanted: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(wanted));
}

function resourceMatches(text: string, resource: string, subresource: string): boolean {
  const slash = text.indexOf('/');
  const [wanted, sub] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource);
}

function scopeMatches(scope: string | undefined, attributes: AdmissionAttributes): boolean {
  const isCluster = isNamespace(attributes) || attributes.namespace === '';
  switch (scope) {
    case 'Namespaced':
      return !isCluster;
    case 'Cluster':
      return isCluster;
    default:
      return true;
  }
}

/**
 * The form in which rules want to see a write: as it was requested, or, unless `matchPolicy` is Exact, as the first other version that a
 * rule names. Undefined: the rules are about something else.
 */
export function matchingForm(
  rules: readonly V1RuleWithOperations[] | undefined,
  matchPolicy: string | undefined,
  attributes: AdmissionAttributes,
): ObjectForm | undefined {
  const { request } = attributes;
  if (rules === undefined || rules.length === 0) return undefined;
  if (rules.some((rule) => ruleMatches(rule, attributes, request.form))) return request.form;
  if (matchPolicy === 'Exact') return undefined;
  for (const rule of rules) {
    const form = request.equivalents().find((one) => ruleMatches(rule, attributes, one));
    if (form !== undefined) return form;
  }
  return undefined;
}

import type { V1MatchResources, V1NamedRuleWithOperations } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPhase, ObjectForm } from '../plugin.js';
import { matchingForm } from './rules.js';
import { namespaceSelected, objectSelected } from './selectors.js';

/**
 * The form in which a policy or binding wants to see a write; undefined when it is about others. Without rules it is about all. Throws an
 * ApiError where that cannot be told.
 */
export async function policyForm(
  match: V1MatchResources | undefined,
  attributes: AdmissionAttributes,
  context: AdmissionContext,
  phase: AdmissionPhase,
): Promise<ObjectForm | undefined> {
  if (match === undefined) return attributes.request.form;
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = match;
  const name = attributes.request.name(phase);
  const formOf = (rules: readonly V1NamedRuleWithOperations[]): ObjectForm | undefined =>
    matchingForm(namedFor(rules, name), matchPolicy, attributes);
  if (formOf(excludeResourceRules) !== undefined) return undefined;
  const form = resourceRules.length === 0 ? attributes.request.form : formOf(resourceRules);
  if (form === undefined || !objectSelected(match.objectSelector, attributes)) return undefined;
  return (await namespaceSelected(match.namespaceSelector, attributes, context)) ? form : undefined;
}

/** The rules that are not about objects of other names. */
function namedFor(rules: readonly V1NamedRuleWithOperations[], name: string): V1NamedRuleWithOperations[] {
  return rules.filter(({ resourceNames = [] }) => resourceNames.length === 0 || resourceNames.includes(name));
}

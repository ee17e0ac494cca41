import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  FlowcontrolV1Subject,
  V1FlowSchemaSpec,
  V1NonResourcePolicyRule,
  V1PolicyRulesWithSubjects,
  V1ResourcePolicyRule,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';

const PRECEDENCE_MAX = 10_000;
const DISTINGUISHERS = ['ByNamespace', 'ByUser'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];

export function flowSchemaErrors(spec: V1FlowSchemaSpec, name: string): FieldError[] {
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec;
  const level = priorityLevelConfiguration?.name ?? '';
  return [
    ...precedenceErrors(matchingPrecedence, name),
    ...(distinguisherMethod === undefined || DISTINGUISHERS.includes(distinguisherMethod.type)
      ? []
      : [notSupported('spec.distinguisherMethod.type', { Type: distinguisherMethod.type }, DISTINGUISHERS)]),
    ...(level === ''
      ? [required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]
      : formatErrors('spec.priorityLevelConfiguration.name', level, isDns1123Subdomain)),
    ...rules.flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`)),
  ];
}

function precedenceErrors(precedence: number, name: string): FieldError[] {
  const field = 'spec.matchingPrecedence';
  if (precedence <= 0) return [invalid(field, precedence, 'must be a positive value')];
  if (precedence > PRECEDENCE_MAX) {
    return [invalid(field, precedence, `must not be greater than ${PRECEDENCE_MAX}`)];
  }
  return precedence === 1 && name !== 'exempt'
    ? [invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")]
    : [];
}

function ruleErrors(rule: V1PolicyRulesWithSubjects, path: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  return [
    ...(subjects.length === 0 ? [required(`${path}.subjects`, 'subjects must contain at least one value')] : []),
    ...subjects.flatMap((subject, index) => subjectErrors(subject, `${path}.subjects[${index}]`)),
    ...(resourceRules.length + nonResourceRules.length === 0
      ? [required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')]
      : []),
    ...resourceRules.flatMap((one, index) => resourceRuleErrors(one, `${path}.resourceRules[${index}]`)),
    ...nonResourceRules.flatMap((one, index) => nonResourceRuleErrors(one, `${path}.nonResourceRules[${index}]`)),
  ];
}

/** The kind of a subject says which of its three fields is the one that is set. */
function subjectErrors(subject: FlowcontrolV1Subject, path: string): FieldError[] {
  const { kind } = subject;
  if (!SUBJECT_KINDS.includes(kind)) return [notSupported(`${path}.kind`, kind, SUBJECT_KINDS)];
  const fields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;
  return Object.entries(fields).flatMap(([owner, field]) => {
    const value = subject[field];
    const at = `${path}.${field}`;
    if (owner !== kind) {
      return value === undefined ? [] : [forbidden(at, `${field} is forbidden when subject kind is not '${owner}'`)];
    }
    if (value === undefined) return [required(at, `${field} is required when subject kind is '${owner}'`)];
    if (kind === 'ServiceAccount') return serviceAccountErrors(subject.serviceAccount, at);
    return value.name ? [] : [required(`${at}.name`)];
  });
}

function serviceAccountErrors(account: FlowcontrolV1Subject['serviceAccount'], path: string): FieldError[] {
  const { name = '', namespace = '' } = account ?? {};
  return [
    ...(name === '' ? [required(`${path}.name`)] : []),
    ...(name === '' || name === '*' ? [] : formatErrors(`${path}.name`, name, isDns1123Subdomain)),
    ...(namespace === ''
      ? [required(`${path}.namespace`, 'must specify namespace for service account')]
      : formatErrors(`${path}.namespace`, namespace, isDns1123Label)),
  ];
}

/** `*` stands alone. */
function wildcardErrors(values: readonly string[], field: string, noun: string): FieldError[] {
  return values.includes('*') && values.length > 1
    ? [invalid(field, values, `if '*' is present, must not specify other ${noun}`)]
    : [];
}

function verbErrors(verbs: readonly string[], field: string): FieldError[] {
  if (verbs.length === 0) return [required(field, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return wildcardErrors(verbs, field, 'verbs');
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(field, verbs, VERBS)];
}

function resourceRuleErrors(rule: V1ResourcePolicyRule, path: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  return [
    ...verbErrors(verbs, `${path}.verbs`),
    ...(apiGroups.length === 0
      ? [required(`${path}.apiGroups`, 'resource rules must supply at least one api group')]
      : wildcardErrors(apiGroups, `${path}.apiGroups`, 'api groups')),
    ...(resources.length === 0
      ? [required(`${path}.resources`, 'resource rules must supply at least one resource')]
      : wildcardErrors(resources, `${path}.resources`, 'resources')),
    ...namespaceErrors(namespaces, clusterScope, `${path}.namespaces`),
  ];
}

function namespaceErrors(namespaces: readonly string[], clusterScope: boolean, field: string): FieldError[] {
  if (namespaces.length === 0) {
    return clusterScope
      ? []
      : [required(field, 'resource rules that are not cluster scoped must supply at least one namespace')];
  }
  if (namespaces.includes('*')) return wildcardErrors(namespaces, field, 'namespaces');
  return namespaces.flatMap((namespace, index) =>
    isDns1123Label(namespace).map((message) =>
      invalid(`${field}[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`),
    ),
  );
}

function nonResourceRuleErrors(
  { verbs = [], nonResourceURLs = [] }: V1NonResourcePolicyRule,
  path: string,
): FieldError[] {
  const field = `${path}.nonResourceURLs`;
  const errors = verbErrors(verbs, `${path}.verbs`);
  if (nonResourceURLs.length === 0) {
    return [...errors, required(field, 'nonResourceURLs must contain at least one value')];
  }
  if (nonResourceURLs.includes('*')) {
    return [...errors, ...wildcardErrors(nonResourceURLs, field, 'non-resource URLs')];
  }
  return [
    ...errors,
    ...nonResourceURLs.flatMap((url, index) => {
      const fault = urlPathFault(url);
      return fault === undefined ? [] : [invalid(`${field}[${index}]`, url, fault)];
    }),
  ];
}

function urlPathFault(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path === '/') return undefined;
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const stars = path.split('*').length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { LAST_CHARGE_ANNOTATION } from '../../../../lib/quota/last-charge.js';
import type { V1ResourceQuota, V1ResourceQuotaSpec } from '../../../../lib/schema/generated/types.js';
import { defineKind, type Column } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { FIELD_IS_IMMUTABLE } from '../shared/formats.js';
import { isQuotaResource, quotaResourceNameErrors, resourceQuantityErrors } from '../shared/resources.js';

const COMPUTE: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);
const EXISTS_ONLY: ReadonlySet<string> = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'CrossNamespacePodAffinity',
]);
const SCOPES: ReadonlySet<string> = new Set([...EXISTS_ONLY, 'PriorityClass', 'VolumeAttributesClass']);
const OPPOSITES = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
];

export const resourceQuota = defineKind<V1ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.ResourceQuota',
  hasStatus: true,
  returnsDeletedObject: true,
  prepareForCreate(object) {
    object.status = {};
    delete object.metadata?.annotations?.[LAST_CHARGE_ANNOTATION];
  },
  prepareForUpdate: keepLastCharge,
  prepareForStatusUpdate: keepLastCharge,
  validate(object) {
    const spec = object.spec ?? {};
    return [...resourceErrors(spec.hard, 'spec.hard'), ...scopeErrors(spec), ...selectorErrors(spec)];
  },
  validateUpdate(object, old) {
    const scopes = object.spec?.scopes ?? [];
    const before = old.spec?.scopes ?? [];
    const same = new Set(scopes).size === new Set(before).size && scopes.every((scope) => before.includes(scope));
    return same ? [] : [invalid('spec.scopes', scopes, FIELD_IS_IMMUTABLE)];
  },
  validateStatusUpdate: (object) => [
    ...resourceErrors(object.status?.hard, 'status.hard'),
    ...resourceErrors(object.status?.used, 'status.used'),
  ],
  columns: [
    {
      name: 'Request',
      type: 'string',
      description: 'Request represents a minimum amount of cpu/memory that a container may consume.',
      cell: (object) => usageText(object, (name) => !name.includes('limits')),
    },
    {
      name: 'Limit',
      type: 'string',
      description:
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      cell: (object) => usageText(object, (name) => name.includes('limits')),
    },
    AGE as Column<V1ResourceQuota>,
  ],
});

/** When the quota was last charged is the server's own to say. */
function keepLastCharge(object: V1ResourceQuota, old: V1ResourceQuota): void {
  const charged = old.metadata?.annotations?.[LAST_CHARGE_ANNOTATION];
  const metadata = (object.metadata ??= {});
  if (charged === undefined) delete metadata.annotations?.[LAST_CHARGE_ANNOTATION];
  else metadata.annotations = { ...metadata.annotations, [LAST_CHARGE_ANNOTATION]: charged };
}

/** `cpu: 1/4, pods: 3/10` of the resources asked for. */
function usageText(object: V1ResourceQuota, shown: (name: string) => boolean): string {
  return Object.entries(object.status?.hard ?? {})
    .filter(([name]) => shown(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${object.status?.used?.[name] ?? '0'}/${hard}`)
    .join(', ');
}

function resourceErrors(list: Record<string, string> | undefined, path: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, quantity]) => [
    ...quotaResourceNameErrors(`${path}[${name}]`, name),
    ...resourceQuantityErrors(`${path}[${name}]`, name, quantity),
  ]);
}

/** Pods of a scope can be counted, and what they compute with unless they ask for nothing. */
function isScopeFor(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods';
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
    case 'PriorityClass':
    case 'CrossNamespacePodAffinity':
      return resource === 'pods' || COMPUTE.has(resource);
    default:
      return true;
  }
}

function unfit(scope: string, spec: V1ResourceQuotaSpec): number {
  return Object.keys(spec.hard ?? {}).filter((name) => isQuotaResource(name) && !isScopeFor(scope, name)).length;
}

function scopeErrors(spec: V1ResourceQuotaSpec): FieldError[] {
  const field = 'spec.scopes';
  const scopes = spec.scopes ?? [];
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!SCOPES.has(scope)) errors.push(invalid(field, scopes, 'unsupported scope'));
    const why = 'unsupported scope applied to resource';
    errors.push(...Array.from({ length: unfit(scope, spec) }, () => invalid(field, scopes, why)));
  }
  return [...errors, ...conflictErrors(field, scopes, scopes)];
}

function conflictErrors(field: string, scopes: readonly string[], shown: readonly string[]): FieldError[] {
  return OPPOSITES.filter((pair) => pair.every((scope) => scopes.includes(scope))).map(() =>
    invalid(field, shown, 'conflicting scopes'),
  );
}

function selectorErrors(spec: V1ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopeSelector.matchExpressions';
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  const errors: FieldError[] = [];
  for (const { scopeName = '', operator = '', values = [] } of requirements) {
    if (!SCOPES.has(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, 'unsupported scope'));
    if (unfit(scopeName, spec) > 0) {
      errors.push(invalid(path, spec.scopeSelector, 'unsupported scope applied to resource'));
    }
    if (EXISTS_ONLY.has(scopeName) && operator !== 'Exists') {
      const why =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.push(invalid(`${path}.operator`, operator, why));
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length > 0) continue;
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      errors.push(required(`${path}.values`, why));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length === 0) continue;
      const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      errors.push(invalid(`${path}.values`, values, why));
    } else errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  const scopes = requirements.map((requirement) => requirement.scopeName);
  return [...errors, ...conflictErrors(path, scopes, spec.scopes ?? [])];
}

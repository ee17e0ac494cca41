import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { CelCompileError, schemaType, type CelType } from '../../../../lib/cel/index.js';
import { inlineReferences } from '../../../../lib/schema/inline-references.js';
import type { SchemaSource } from '../../../../lib/schema/schema.js';
import type {
  V1ExpressionWarning,
  V1RuleWithOperations,
  V1ValidatingAdmissionPolicy,
} from '../../../../lib/schema/generated/types.js';
import type { Resource } from '../../registry/catalog.js';
import type { Reserved, ServedKinds, WriteReservation } from '../plugin.js';
import { compileExpression, compileVariables, ExpressionError, type ExpressionScope } from './cel-environment.js';
import { CHECKED_KINDS_MAX } from './limits.js';

const NOTHING: Reserved = { commit: async () => undefined, abort: async () => undefined };

/**
 * Says in the status of a ValidatingAdmissionPolicy what its expressions would meet in objects of the kinds that it names, in the very write
 * that changes them. What is found refuses nothing: kinds may come that the expressions fit.
 */
export class PolicyTypeChecks implements WriteReservation {
  readonly #kinds: ServedKinds;
  readonly #schemas: SchemaSource;
  readonly #refresh: () => Promise<void>;

  /** `refresh` brings the kinds to those that are defined now. */
  constructor(parts: { kinds: ServedKinds; schemas: SchemaSource; refresh: () => Promise<void> }) {
    this.#kinds = parts.kinds;
    this.#schemas = parts.schemas;
    this.#refresh = parts.refresh;
  }

  async begin(object: KubernetesObject | undefined): Promise<Reserved> {
    if (object === undefined) return NOTHING;
    const policy = object as V1ValidatingAdmissionPolicy;
    const observedGeneration = policy.metadata?.generation ?? 0;
    if (observedGeneration <= (policy.status?.observedGeneration ?? 0)) return NOTHING;
    await this.#refresh();
    const expressionWarnings = this.#check(policy);
    policy.status = {
      ...policy.status,
      observedGeneration,
      typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
    };
    return NOTHING;
  }

  #check({ spec }: V1ValidatingAdmissionPolicy): V1ExpressionWarning[] {
    const served = this.#kinds.all();
    const { paramKind } = spec ?? {};
    const param = served.find(
      ({ apiVersion, kind }) => apiVersion === paramKind?.apiVersion && kind === paramKind.kind,
    );
    const params = param === undefined ? undefined : this.#typeOf(param);
    const scopes = namedKinds(spec?.matchConstraints?.resourceRules ?? [], served).flatMap((resource) => {
      const object = this.#typeOf(resource);
      if (object === undefined) return [];
      const scope = { hasParams: paramKind !== undefined, hasAuthorizer: true, object, ...(params && { params }) };
      const { types } = compileVariables(spec?.variables, scope, () => undefined);
      return [{ resource, scope: { ...scope, variables: types } }];
    });
    const warnings: V1ExpressionWarning[] = [];
    const check = (expression: string | undefined, fieldRef: string): void => {
      if (!expression) return;
      const found = scopes.flatMap(({ resource, scope }) => {
        const issues = issuesOf(expression, scope);
        return issues === undefined ? [] : [`${describe(resource)}: ${issues}\n`];
      });
      if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') });
    };
    for (const [index, { expression, messageExpression }] of (spec?.validations ?? []).entries()) {
      check(expression, `spec.validations[${index}].expression`);
      check(messageExpression, `spec.validations[${index}].messageExpression`);
    }
    return warnings;
  }

  #typeOf({ schema }: Resource): CelType | undefined {
    const definition = this.#schemas.definition(schema);
    return definition === undefined ? undefined : schemaType(inlineReferences(definition, this.#schemas));
  }
}

function issuesOf(expression: string, scope: ExpressionScope): string | undefined {
  try {
    compileExpression(expression, undefined, scope);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return error.cause instanceof CelCompileError ? error.cause.message : error.message;
  }
}

/** As Kubernetes writes a GroupVersionKind: `/v1, Kind=Pod`. */
function describe({ group, version, kind }: Resource): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** The kinds that rules name in full, without wildcards: the first CHECKED_KINDS_MAX of them, in their order. */
function namedKinds(rules: readonly V1RuleWithOperations[], served: readonly Resource[]): Resource[] {
  const found = new Set<Resource>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((one) => one.includes('*'))) continue;
    const names = resources.filter((one) => !/[*/]/.test(one)).toSorted();
    for (const group of apiGroups.toSorted())
      for (const version of apiVersions.toSorted())
        for (const plural of names) {
          const resource = served.find(
            (one) => one.group === group && one.version === version && one.plural === plural,
          );
          if (resource !== undefined && found.size < CHECKED_KINDS_MAX) found.add(resource);
        }
  }
  return [...found].toSorted((a, b) => (describe(a) < describe(b) ? -1 : 1));
}

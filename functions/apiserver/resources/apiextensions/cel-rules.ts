import { forbidden, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { estimateCost, schemaType } from '../../../../lib/cel/index.js';
import type { V1JSONSchemaProps } from '../../../../lib/schema/generated/types.js';
import {
  compileRule,
  type StructuralSchema,
  type ValidationRule,
  valuesOf,
} from '../../../../lib/schema/structural/index.js';

/** What one rule, and all rules of a schema, may cost by estimation (Kubernetes' StaticEstimatedCostLimit and …CRDCostLimit). */
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
const MOST_EXPENSIVE_MAX = 4;
const LINE_BREAK = /[\n\r]/;

interface Place {
  /** How often the node can be there in one object; undefined: as often as its size allows. */
  readonly count: number | undefined;
  readonly isRoot: boolean;
  /** Where the counterpart of a value before an update cannot be found. */
  readonly uncorrelatable: string | undefined;
}

/** The rules of a schema (`x-kubernetes-validations`): that they compile, and what they may cost. */
export class CelRules {
  readonly #root: V1JSONSchemaProps;
  readonly #path: string;
  readonly #errors: FieldError[] = [];
  readonly #costs: { field: string; cost: number }[] = [];

  constructor(root: V1JSONSchemaProps, path: string) {
    this.#root = root;
    this.#path = path;
  }

  errors(): FieldError[] {
    this.#visit(this.#root as StructuralSchema, this.#path, { count: 1, isRoot: true, uncorrelatable: undefined });
    const total = this.#costs.reduce((sum, { cost }) => sum + cost, 0);
    if (total > SCHEMA_COST_MAX) {
      const expensive = this.#costs.toSorted((left, right) => right.cost - left.cost).slice(0, MOST_EXPENSIVE_MAX);
      for (const { field } of expensive)
        this.#errors.push(
          forbidden(field, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'),
        );
      const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
      this.#errors.push(forbidden(this.#path, overBudget(what, total, SCHEMA_COST_MAX)));
    }
    return this.#errors;
  }

  #visit(schema: StructuralSchema, path: string, place: Place): void {
    for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries())
      this.#rule(schema, rule, `${path}.x-kubernetes-validations[${index}]`, place);
    for (const [name, property] of Object.entries(schema.properties ?? {}))
      this.#visit(property, `${path}.properties[${name}]`, { ...place, isRoot: isEmbedded(property) });
    const values = valuesOf(schema);
    if (values !== undefined)
      this.#visit(values, `${path}.additionalProperties`, {
        count: times(place.count, schema.maxProperties),
        isRoot: isEmbedded(values),
        uncorrelatable: place.uncorrelatable,
      });
    const { items } = schema;
    if (items === undefined) return;
    const isMap = schema['x-kubernetes-list-type'] === 'map';
    this.#visit(items, `${path}.items`, {
      count: times(place.count, schema.maxItems),
      isRoot: isEmbedded(items),
      uncorrelatable: place.uncorrelatable ?? (isMap ? undefined : path),
    });
  }

  #rule(schema: StructuralSchema, rule: ValidationRule, path: string, place: Place): void {
    const before = this.#errors.length;
    this.#form(schema, rule, path);
    if (this.#errors.length > before) return;
    const type = schemaType(schema, place.isRoot);
    const compiled = compileRule(rule, type);
    if (compiled.error !== undefined) {
      this.#errors.push(invalid(`${path}.rule`, rule, compiled.error));
      return;
    }
    if (compiled.program !== undefined) {
      const each = estimateCost(compiled.program.checked);
      this.#cost('estimated rule cost', `${path}.rule`, times(each, place.count ?? mostOf(schema, place.isRoot)) ?? 0);
    }
    if (compiled.messageError !== undefined)
      this.#errors.push(invalid(`${path}.messageExpression`, rule, compiled.messageError));
    else if (compiled.message !== undefined) {
      const cost = estimateCost(compiled.message.checked);
      this.#cost('estimated messageExpression cost', `${path}.messageExpression`, cost);
    }
    if (compiled.usesOldSelf && place.uncorrelatable !== undefined) {
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
      this.#errors.push(invalid(`${path}.rule`, rule.rule, detail));
    } else if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined) {
      const detail = 'may not be set if oldSelf is not used in rule';
      this.#errors.push(invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, detail));
    }
  }

  #cost(what: string, field: string, cost: number): void {
    if (cost > RULE_COST_MAX) this.#errors.push(forbidden(field, overBudget(what, cost, RULE_COST_MAX)));
    this.#costs.push({ field, cost });
  }

  #form(schema: StructuralSchema, rule: ValidationRule, path: string): void {
    const { message = '', messageExpression = '', fieldPath = '' } = rule;
    const text = rule.rule.trim();
    const trimmed = message.trim();
    const errors = this.#errors;
    if (text === '') errors.push(required(`${path}.rule`, 'rule is not specified'));
    else if (message !== '' && trimmed === '')
      errors.push(invalid(`${path}.message`, message, 'must be non-empty if specified'));
    else if (LINE_BREAK.test(trimmed)) errors.push(invalid(`${path}.message`, message, 'must not contain line breaks'));
    else if (LINE_BREAK.test(text) && trimmed === '')
      errors.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
    if (messageExpression !== '' && messageExpression.trim() === '')
      errors.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
    if (fieldPath === '') return;
    if (fieldPath.trim() === '') errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified'));
    if (LINE_BREAK.test(fieldPath))
      errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must not contain line breaks'));
    if (followFieldPath(schema, fieldPath) === undefined)
      errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must be a valid path'));
  }
}

const isEmbedded = (schema: StructuralSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function times(count: number | undefined, most: number | undefined): number | undefined {
  if (count === undefined || most === undefined) return undefined;
  return count === 0 || most === 0 ? 0 : count * most;
}

/** How many of the smallest such values one request can hold. */
function mostOf(schema: StructuralSchema, isRoot: boolean): number {
  const list = schemaType({ type: 'array', items: isRoot ? { ...schema, type: 'object' } : schema });
  return list?.sizeMax ?? REQUEST_BYTES_MAX;
}

function overBudget(what: string, cost: number, most: number): string {
  const factor = cost / most;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

const FIELD_STEP = /\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/y;

/** The schema that a path of members leads to; undefined when it leads nowhere. */
export function followFieldPath(schema: StructuralSchema, path: string): StructuralSchema | undefined {
  let found: StructuralSchema | undefined = schema;
  let at = 0;
  while (at < path.length) {
    FIELD_STEP.lastIndex = at;
    const step = FIELD_STEP.exec(path);
    if (step === null || found === undefined) return undefined;
    const name: string = step[1] ?? (step[2] ?? '').replace(/\\(.)/g, '$1');
    const properties: Record<string, StructuralSchema> | undefined = found.properties;
    found = properties === undefined ? valuesOf(found) : Object.hasOwn(properties, name) ? properties[name] : undefined;
    at += step[0].length;
  }
  return at === 0 ? undefined : found;
}

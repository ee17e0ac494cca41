import {
  CelCompileError,
  CelEnvironment,
  CelMeter,
  type CelProgram,
  type CelType,
  escapeProperty,
  optionalOf,
  schemaType,
} from '../../cel/index.js';
import type { Checked } from '../../cel/checked.js';
import { deepEqual } from '../../api/equality.js';
import {
  duplicate,
  type FieldError,
  forbidden,
  internal,
  invalid,
  invalidOmitted,
  required,
} from '../../api/field-errors.js';
import { isJsonObject } from '../../json/path.js';
import { elementKey, listKeysOf, type StructuralSchema, type ValidationRule, valuesOf } from './structural-schema.js';

/** What all rules of one object may cost together (Kubernetes' RuntimeCELCostBudget). */
const OBJECT_COST_MAX = 10_000_000;
const MESSAGE_LENGTH_MAX = 5_120;
const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** A rule, compiled; `error` says why it could not be. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram | undefined;
  readonly error: string | undefined;
  readonly message: CelProgram | undefined;
  readonly messageError: string | undefined;
  readonly usesOldSelf: boolean;
}

/** The rules of a schema where they are: on a node, and on what is below it. Undefined where there are none. */
export interface RuleTree {
  readonly schema: StructuralSchema;
  readonly rules: readonly CompiledRule[];
  readonly type: CelType | undefined;
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly items: RuleTree | undefined;
  readonly values: RuleTree | undefined;
}

/** Compiles every rule of a schema. `isRoot`: the node is the root of a resource. */
export function compileRuleTree(schema: StructuralSchema, isRoot: boolean): RuleTree | undefined {
  if (!hasRules(schema)) return undefined;
  const properties = new Map<string, RuleTree>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const below = compileRuleTree(property, property['x-kubernetes-embedded-resource'] === true);
    if (below !== undefined) properties.set(name, below);
  }
  const values = valuesOf(schema);
  const type = schemaType(schema, isRoot);
  return {
    schema,
    type,
    rules: rulesOf(schema).map((rule) => compileRule(rule, type)),
    properties,
    items: schema.items === undefined ? undefined : compileRuleTree(schema.items, isEmbedded(schema.items)),
    values: values === undefined ? undefined : compileRuleTree(values, isEmbedded(values)),
  };
}

const isEmbedded = (schema: StructuralSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;

/** A node's own rules, and those that stand under its `allOf`. */
function rulesOf(schema: StructuralSchema): ValidationRule[] {
  const own = schema['x-kubernetes-validations'] ?? [];
  return [...own, ...(schema.allOf ?? []).flatMap((branch) => branch['x-kubernetes-validations'] ?? [])];
}

function hasRules(schema: StructuralSchema): boolean {
  const values = valuesOf(schema);
  return (
    rulesOf(schema).length > 0 ||
    Object.values(schema.properties ?? {}).some(hasRules) ||
    (schema.items !== undefined && hasRules(schema.items)) ||
    (values !== undefined && hasRules(values))
  );
}

export function compileRule(rule: ValidationRule, type: CelType | undefined): CompiledRule {
  const nothing = { rule, program: undefined, error: undefined, message: undefined, messageError: undefined };
  if (rule.rule.trim() === '') return { ...nothing, usesOldSelf: false };
  if (type === undefined)
    return { ...nothing, error: 'failed to convert to declType for CEL validation rules', usesOldSelf: false };
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(type) : type;
  const environment = new CelEnvironment({ variables: { self: type, oldSelf } });
  const compiled = compile(
    environment,
    rule.rule,
    'bool',
    'compilation failed',
    'cel expression must evaluate to a bool',
  );
  if (typeof compiled === 'string') return { ...nothing, error: compiled, usesOldSelf: false };
  const usesOldSelf = uses(compiled.checked, 'oldSelf');
  const text = rule.messageExpression ?? '';
  if (text === '') return { ...nothing, program: compiled, usesOldSelf };
  const message = compile(
    environment,
    text,
    'string',
    'messageExpression compilation failed',
    'messageExpression must evaluate to a string',
  );
  return typeof message === 'string'
    ? { ...nothing, program: compiled, messageError: message, usesOldSelf }
    : { ...nothing, program: compiled, message, usesOldSelf };
}

function compile(
  environment: CelEnvironment,
  source: string,
  kind: 'bool' | 'string',
  what: string,
  wrongType: string,
): CelProgram | string {
  try {
    const program = environment.compile(source);
    return program.resultType.kind === kind ? program : wrongType;
  } catch (error) {
    if (error instanceof CelCompileError) return `${what}: ${error.message}`;
    throw error;
  }
}

/** Whether an expression reads a variable. */
function uses(node: Checked, name: string): boolean {
  if (node.kind === 'variable') return node.name === name;
  for (const value of Object.values(node)) {
    if (Array.isArray(value) ? value.some((one) => usesWithin(one, name)) : usesWithin(value, name)) return true;
  }
  return false;
}

function usesWithin(value: unknown, name: string): boolean {
  if (!isJsonObject(value)) return false;
  if ('kind' in value && 'position' in value) return uses(value as unknown as Checked, name);
  return ['value', 'key'].some((member) => isJsonObject(value[member]) && usesWithin(value[member], name));
}

export interface RuleResult {
  errors: FieldError[];
  /** Failed rules on what has not changed: told, not refused. */
  warnings: string[];
}

/** Evaluates all rules on an object. `old` is the state before an update; rules on what an update does not touch only warn. */
export function evaluateRules(tree: RuleTree, value: unknown, old: unknown, isLate?: () => boolean): RuleResult {
  const run = new Evaluation(old !== undefined, isLate);
  run.visit(tree, '', value, old, old === undefined ? 'new' : 'correlated', false);
  return run.result;
}

type Correlation = 'new' | 'correlated' | 'lost';

class Evaluation {
  readonly result: RuleResult = { errors: [], warnings: [] };
  readonly #isUpdate: boolean;
  readonly #isLate: (() => boolean) | undefined;
  #budget = OBJECT_COST_MAX;
  #isOver = false;

  constructor(isUpdate: boolean, isLate: (() => boolean) | undefined) {
    this.#isUpdate = isUpdate;
    this.#isLate = isLate;
  }

  /** `unchanged`: the nearest value above that has a counterpart equals it. */
  visit(
    tree: RuleTree,
    path: string,
    value: unknown,
    old: unknown,
    correlation: Correlation,
    unchanged: boolean,
  ): void {
    if (this.#isOver || value === null || value === undefined) return;
    const same = correlation === 'correlated' ? old !== undefined && deepEqual(value, old) : unchanged;
    this.#rules(tree, path, value, correlation === 'lost' ? undefined : old, same);
    if (Array.isArray(value)) this.#list(tree, path, value, old, correlation, same);
    else if (isJsonObject(value)) this.#object(tree, path, value, old, correlation, same);
  }

  #object(
    { properties, values }: RuleTree,
    path: string,
    value: Record<string, unknown>,
    old: unknown,
    correlation: Correlation,
    same: boolean,
  ): void {
    const before = isJsonObject(old) ? old : {};
    for (const name of Object.keys(value)) {
      const property = properties.get(name);
      const below = property ?? values;
      if (below === undefined) continue;
      const at = property === undefined ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      const was = Object.hasOwn(before, name) ? before[name] : undefined;
      this.visit(below, at, value[name], was, correlation, same);
    }
  }

  #list(
    { schema, items }: RuleTree,
    path: string,
    value: readonly unknown[],
    old: unknown,
    correlation: Correlation,
    same: boolean,
  ): void {
    if (items === undefined) return;
    const keys = listKeysOf(schema);
    const before = new Map<string, unknown>();
    if (keys !== undefined && Array.isArray(old))
      for (const element of old) before.set(elementKey(items.schema, keys, element), element);
    for (const [index, element] of value.entries()) {
      const was = keys === undefined ? undefined : before.get(elementKey(items.schema, keys, element));
      const is = keys === undefined && correlation !== 'new' ? 'lost' : correlation;
      this.visit(items, `${path}[${index}]`, element, was, is, same);
    }
  }

  #rules(tree: RuleTree, path: string, value: unknown, old: unknown, same: boolean): void {
    for (const compiled of tree.rules) {
      if (this.#isOver) return;
      this.#rule(tree, compiled, path, value, old, same);
    }
  }

  #rule(tree: RuleTree, compiled: CompiledRule, path: string, value: unknown, old: unknown, same: boolean): void {
    const { rule, program, error, usesOldSelf } = compiled;
    const kind = tree.schema.type ?? '';
    const field = path === '' ? '<nil>' : path;
    if (error !== undefined) {
      this.result.errors.push(invalid(field, kind, `rule compile error: ${error}`));
      return;
    }
    if (program === undefined || tree.type === undefined) return;
    const isOptional = rule.optionalOldSelf === true;
    if (usesOldSelf && old === undefined && !isOptional) return;
    const variables = { self: value, oldSelf: old };
    const meter = new CelMeter(undefined, this.#isLate);
    const outcome = program.evaluate(variables, meter);
    if (!this.#spend(meter, field, kind)) return;
    if ('error' in outcome) {
      this.#failed(outcome, rule, field, kind);
      return;
    }
    if (outcome.value === true) return;
    const at = fieldPathOf(rule, path);
    const message = this.#message(compiled, variables, at, kind);
    if (message === undefined) return;
    const shown = kind === 'object' || kind === 'array' ? undefined : value;
    const found = errorOf(rule.reason, at, shown, message);
    if (this.#isUpdate && !usesOldSelf && same) this.result.warnings.push(`${found.field}: ${found.body}`);
    else this.result.errors.push(found);
  }

  #spend(meter: CelMeter, field: string, kind: string): boolean {
    this.#budget -= meter.spent;
    if (this.#budget >= 0) return true;
    this.#isOver = true;
    this.result.errors.push(invalid(field, kind, OUT_OF_BUDGET));
    return false;
  }

  #failed(outcome: { error: string; isOverBudget: boolean }, rule: ValidationRule, field: string, kind: string): void {
    const text = ruleText(rule);
    const { error } = outcome;
    if (outcome.isOverBudget) {
      this.#isOver = true;
      const detail = `'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`;
      this.result.errors.push(invalid(field, kind, detail));
      return;
    }
    const detail = error.startsWith('no such overload')
      ? `'${error}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
      : `${error} evaluating rule: ${text}`;
    this.result.errors.push(invalid(field, kind, detail));
  }

  /** Undefined when the budget has gone on the way. */
  #message(
    { rule, message }: CompiledRule,
    variables: Record<string, unknown>,
    field: string,
    kind: string,
  ): string | undefined {
    const given = (rule.message ?? '').trim();
    const standard = given === '' ? `failed rule: ${ruleText(rule)}` : given;
    if (message === undefined) return standard;
    const meter = new CelMeter(undefined, this.#isLate);
    const outcome = message.evaluate(variables, meter);
    this.#budget -= meter.spent;
    if (this.#budget < 0 || ('error' in outcome && outcome.isOverBudget)) {
      this.#isOver = true;
      const detail =
        this.#budget < 0
          ? 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
          : `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`;
      this.result.errors.push(invalid(field, kind, detail));
      return undefined;
    }
    if ('error' in outcome || typeof outcome.value !== 'string') return standard;
    const text = outcome.value.trim();
    return text === '' || text.length > MESSAGE_LENGTH_MAX || text.includes('\n') ? standard : text;
  }
}

function ruleText({ message = '', rule }: ValidationRule): string {
  return (message === '' ? rule : message).trim();
}

/** `.spec.x` or `['a b']` of the rule, behind the path of what the rule is on. */
function fieldPathOf({ fieldPath = '' }: ValidationRule, path: string): string {
  const more = fieldPath.replace(/\['((?:[^'\\]|\\.)*)'\]/g, (_whole, name: string) =>
    escapeProperty(name) === name ? `.${name}` : `[${name}]`,
  );
  const whole = path === '' ? more.replace(/^\./, '') : path + more;
  return whole === '' ? '<nil>' : whole;
}

/** `value` undefined: it is not shown. */
function errorOf(reason: string | undefined, field: string, value: unknown, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, value ?? '');
    case 'InternalError':
      return internal(field, detail);
    default:
      return value === undefined ? invalidOmitted(field, detail) : invalid(field, value, detail);
  }
}

import type { Checked, MacroName } from './checked.js';
import { CelError, type CelIssue } from './errors.js';
import type { CallExpression, Expression, SelectExpression, StructExpression } from './expression.js';
import { FUNCTIONS } from './library/index.js';
import { ISSUES_MAX } from './limits.js';
import type { Overload } from './overload.js';
import { typeName } from './parser.js';
import { compileRegex, isRegexFault } from '../regex.js';
import { parseDuration, parseTimestamp } from './time.js';
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  ERROR,
  firstParam,
  formatType,
  INT,
  listOf,
  mapOf,
  NULL,
  optionalOf,
  secondParam,
  STRING,
  TIMESTAMP,
  typeOf,
  typeParam,
  UINT,
} from './types.js';
import { sameType, Unifier } from './unifier.js';
import { CelTypeValue, CelUint } from './values.js';

/** What an expression may name. */
export interface Declarations {
  readonly variables: ReadonlyMap<string, CelType>;
  /** Objects that expressions may make: `Object{…}`. */
  readonly types: ReadonlyMap<string, CelType>;
}

interface Scope {
  readonly name: string;
  readonly slot: number;
  readonly type: CelType;
  readonly outer: Scope | undefined;
}

const TYPE_NAMES: ReadonlyMap<string, readonly [CelType, string]> = new Map([
  ['bool', [BOOL, 'bool']],
  ['int', [INT, 'int']],
  ['uint', [UINT, 'uint']],
  ['double', [DOUBLE, 'double']],
  ['string', [STRING, 'string']],
  ['bytes', [BYTES, 'bytes']],
  ['null_type', [NULL, 'null_type']],
  ['list', [listOf(DYN), 'list']],
  ['map', [mapOf(DYN, DYN), 'map']],
  ['type', [typeOf(DYN), 'type']],
  ['optional_type', [optionalOf(DYN), 'optional_type']],
  ['google.protobuf.Timestamp', [TIMESTAMP, 'google.protobuf.Timestamp']],
  ['google.protobuf.Duration', [DURATION, 'google.protobuf.Duration']],
] as const);

/** Macros over ranges: how many arguments each may have, by how many of them are variables. */
const MACROS: Readonly<Record<string, readonly { args: number; variables: number; macro: MacroName }[]>> = {
  all: [
    { args: 2, variables: 1, macro: 'all' },
    { args: 3, variables: 2, macro: 'all' },
  ],
  exists: [
    { args: 2, variables: 1, macro: 'exists' },
    { args: 3, variables: 2, macro: 'exists' },
  ],
  exists_one: [
    { args: 2, variables: 1, macro: 'exists_one' },
    { args: 3, variables: 2, macro: 'exists_one' },
  ],
  existsOne: [
    { args: 2, variables: 1, macro: 'exists_one' },
    { args: 3, variables: 2, macro: 'exists_one' },
  ],
  map: [
    { args: 2, variables: 1, macro: 'map' },
    { args: 3, variables: 1, macro: 'map' },
  ],
  filter: [{ args: 2, variables: 1, macro: 'filter' }],
  transformList: [
    { args: 3, variables: 2, macro: 'transformList' },
    { args: 4, variables: 2, macro: 'transformList' },
  ],
  transformMap: [
    { args: 3, variables: 2, macro: 'transformMap' },
    { args: 4, variables: 2, macro: 'transformMap' },
  ],
  transformMapEntry: [
    { args: 3, variables: 2, macro: 'transformMapEntry' },
    { args: 4, variables: 2, macro: 'transformMapEntry' },
  ],
  sortBy: [{ args: 2, variables: 1, macro: 'sortBy' }],
};
const PREDICATES: ReadonlySet<MacroName> = new Set(['all', 'exists', 'exists_one', 'filter']);

/** Gives every part of an expression its type, as cel-go's checker does, and collects what is wrong with it. */
export class Checker {
  readonly issues: CelIssue[] = [];
  readonly #declared: Declarations;
  readonly #unifier = new Unifier();
  readonly #made: Checked[] = [];
  #slots = 0;

  constructor(declared: Declarations) {
    this.#declared = declared;
  }

  /** How many values of local variables an evaluation keeps. */
  get slotCount(): number {
    return this.#slots;
  }

  check(expression: Expression): Checked {
    const root = this.#check(expression, undefined);
    for (const node of this.#made) node.type = this.#unifier.resolve(node.type, true);
    return root;
  }

  #fault(position: number, message: string): CelType {
    if (this.issues.length < ISSUES_MAX) this.issues.push({ message, position });
    return ERROR;
  }

  #node(node: Checked): Checked {
    this.#made.push(node);
    return node;
  }

  #failed(position: number, message?: string): Checked {
    if (message !== undefined) this.#fault(position, message);
    return this.#node({ kind: 'literal', value: null, type: ERROR, position });
  }

  #show(type: CelType): string {
    return formatType(this.#unifier.resolve(type));
  }

  #check(expression: Expression, scope: Scope | undefined): Checked {
    const { position } = expression;
    switch (expression.kind) {
      case 'literal':
        return this.#node({ kind: 'literal', value: expression.value, type: literalType(expression.value), position });
      case 'ident':
        return (
          this.#named(expression.name, position, scope) ??
          this.#failed(position, `undeclared reference to '${expression.name}' (in container '')`)
        );
      case 'select':
        return this.#select(expression, scope, false);
      case 'call':
        return this.#call(expression, scope);
      case 'list': {
        const elements = expression.elements.map(({ value, optional }) => ({
          value: this.#check(value, scope),
          optional,
        }));
        const type = this.#common(
          elements.map(({ value, optional }) => this.#contained(value, optional)),
          expression.elements.map(({ value }) => value.position),
        );
        return this.#node({ kind: 'list', elements, type: listOf(type), position });
      }
      case 'map': {
        const entries = expression.entries.map(({ key, value, optional }) => ({
          key: this.#check(key, scope),
          value: this.#check(value, scope),
          optional,
        }));
        const keyType = this.#common(
          entries.map(({ key }) => key.type),
          expression.entries.map(({ key }) => key.position),
        );
        const valueType = this.#common(
          entries.map(({ value, optional }) => this.#contained(value, optional)),
          expression.entries.map(({ value }) => value.position),
        );
        return this.#node({ kind: 'map', entries, type: mapOf(keyType, valueType), position });
      }
      case 'struct':
        return this.#struct(expression, scope);
    }
  }

  #contained({ type, position }: Checked, optional: boolean): CelType {
    if (!optional) return type;
    const element = typeParam('E');
    if (this.#unifier.assign(type, optionalOf(element))) return element;
    return this.#fault(position, `expected type 'optional_type(dyn)' but found '${this.#show(type)}'`);
  }

  /** The one type of a literal's elements. */
  #common(types: readonly CelType[], positions: readonly number[]): CelType {
    const first = types[0];
    if (first === undefined) return typeParam('E');
    let common = first;
    for (const [index, type] of types.entries()) {
      if (index === 0) continue;
      if (this.#unifier.assign(type, common)) {
        if (this.#unifier.shallow(type).kind === 'dyn') common = DYN;
      } else
        this.#fault(positions[index] ?? 0, `expected type '${this.#show(common)}' but found '${this.#show(type)}'`);
    }
    return common;
  }

  #named(name: string, position: number, scope: Scope | undefined): Checked | undefined {
    for (let found = scope; found !== undefined; found = found.outer) {
      if (found.name === name) return this.#node({ kind: 'local', slot: found.slot, type: found.type, position });
    }
    const variable = this.#declared.variables.get(name);
    if (variable !== undefined) return this.#node({ kind: 'variable', name, type: variable, position });
    const type = TYPE_NAMES.get(name);
    if (type === undefined) return undefined;
    return this.#node({ kind: 'literal', value: new CelTypeValue(type[1]), type: typeOf(type[0]), position });
  }

  #isLocal(name: string, scope: Scope | undefined): boolean {
    for (let found = scope; found !== undefined; found = found.outer) if (found.name === name) return true;
    return false;
  }

  #select(expression: SelectExpression, scope: Scope | undefined, test: boolean): Checked {
    const { position, field, optional } = expression;
    const qualified = test || optional ? undefined : typeName(expression);
    if (qualified !== undefined && !this.#isLocal(qualified.slice(0, qualified.indexOf('.')), scope)) {
      const found = this.#named(qualified, position, undefined);
      if (found !== undefined) return found;
    }
    const operand = this.#check(expression.operand, scope);
    let target = this.#unifier.resolve(operand.type);
    const wraps = optional || target.kind === 'optional';
    if (target.kind === 'optional') target = this.#unifier.resolve(firstParam(target));
    let type = this.#fieldType(target, field, position);
    if (test) type = BOOL;
    else if (wraps) type = optionalOf(type);
    return this.#node({ kind: 'select', operand, field, optional, test, type, position });
  }

  #fieldType(target: CelType, field: string, position: number): CelType {
    switch (target.kind) {
      case 'map':
        return secondParam(target);
      case 'object':
        return target.fields?.get(field)?.type ?? this.#fault(position, `undefined field '${field}'`);
      case 'dyn':
      case 'error':
      case 'param':
        return DYN;
      default:
        return this.#fault(position, `type '${this.#show(target)}' does not support field selection`);
    }
  }

  #call(expression: CallExpression, scope: Scope | undefined): Checked {
    const { name, target, args, position } = expression;
    if (name === '_&&_' || name === '_||_') return this.#logical(expression, scope);
    if (name === '_?_:_') return this.#conditional(expression, scope);
    if (target === undefined) {
      if (name === 'has' && args.length === 1) {
        const [argument] = args;
        if (argument?.kind !== 'select')
          return this.#failed(argument?.position ?? position, 'invalid argument to has() macro');
        return this.#select(argument, scope, true);
      }
      return this.#resolve(
        name,
        position,
        args.map((arg) => this.#check(arg, scope)),
        false,
      );
    }
    const prefix = typeName(target);
    if (
      prefix !== undefined &&
      FUNCTIONS.has(`${prefix}.${name}`) &&
      !this.#isLocal(prefix.split('.')[0] ?? '', scope)
    ) {
      return this.#resolve(
        `${prefix}.${name}`,
        position,
        args.map((arg) => this.#check(arg, scope)),
        false,
      );
    }
    const macro = Object.hasOwn(MACROS, name) ? MACROS[name]?.find((form) => form.args === args.length) : undefined;
    if (macro !== undefined) return this.#comprehension(expression, target, macro, scope);
    if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2)
      return this.#optMap(expression, target, scope);
    const checked = [this.#check(target, scope), ...args.map((arg) => this.#argument(name, arg, scope))];
    return this.#resolve(name, position, checked, true);
  }

  /** What `format` prints may be of any types, in one list. */
  #argument(name: string, arg: Expression, scope: Scope | undefined): Checked {
    if (name !== 'format' || arg.kind !== 'list') return this.#check(arg, scope);
    const elements = arg.elements.map(({ value, optional }) => ({ value: this.#check(value, scope), optional }));
    return this.#node({ kind: 'list', elements, type: listOf(DYN), position: arg.position });
  }

  #logical({ name, args, position }: CallExpression, scope: Scope | undefined): Checked {
    const checked = args.map((arg) => this.#check(arg, scope));
    for (const [index, { type }] of checked.entries()) {
      if (this.#unifier.assign(type, BOOL)) continue;
      const signature = index === 0 ? [type, checked[1]?.type ?? BOOL] : [BOOL, type];
      this.#noOverload(name, position, signature, false);
    }
    return this.#node({ kind: 'logical', isAnd: name === '_&&_', args: checked, type: BOOL, position });
  }

  #conditional({ args, position }: CallExpression, scope: Scope | undefined): Checked {
    const [condition, yes, no] = args.map((arg) => this.#check(arg, scope));
    if (condition === undefined || yes === undefined || no === undefined) return this.#failed(position);
    const result = typeParam('R');
    const holds = this.#unifier.assignAll([condition.type, yes.type, no.type], [BOOL, result, result]);
    const type = holds
      ? [yes, no].some((branch) => this.#unifier.shallow(branch.type).kind === 'dyn')
        ? DYN
        : result
      : this.#noOverload('_?_:_', position, [condition.type, yes.type, no.type], false);
    return this.#node({ kind: 'conditional', condition, yes, no, type, position });
  }

  #noOverload(name: string, position: number, types: readonly CelType[], member: boolean): CelType {
    if (types.some((type) => this.#unifier.shallow(type).kind === 'error')) return ERROR;
    const shown = types.map((type) => this.#show(type));
    const signature = member ? `${shown[0] ?? ''}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
    return this.#fault(position, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  #resolve(name: string, position: number, args: readonly Checked[], member: boolean): Checked {
    const candidates = FUNCTIONS.get(name);
    if (candidates === undefined) return this.#failed(position, `undeclared reference to '${name}' (in container '')`);
    const types = args.map(({ type }) => type);
    const overloads: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of candidates) {
      if (overload.member !== member || overload.params.length !== args.length) continue;
      const [overloadResult = DYN, ...params] = this.#unifier.fresh([overload.result, ...overload.params]);
      if (!this.#unifier.assignAll(types, params)) continue;
      overloads.push(overload);
      const found = this.#unifier.resolve(overloadResult);
      if (result === undefined) result = found;
      else if (result.kind !== 'dyn' && !sameType(result, found)) result = DYN;
    }
    if (result === undefined) {
      this.#noOverload(name, position, types, member);
      return this.#failed(position);
    }
    this.#checkLiterals(name, args);
    return this.#node({ kind: 'call', name, overloads, args, type: result, position });
  }

  /** Durations, moments and regular expressions that are written out are read when the expression is compiled. */
  #checkLiterals(name: string, args: readonly Checked[]): void {
    const literal = args[name === 'matches' ? 1 : 0];
    if (literal?.kind !== 'literal' || typeof literal.value !== 'string') return;
    const wrong =
      (name === 'duration' && parseDuration(literal.value) instanceof CelError) ||
      (name === 'timestamp' && parseTimestamp(literal.value) instanceof CelError) ||
      (name === 'matches' && isRegexFault(compileRegex(literal.value)));
    if (wrong) this.#fault(literal.position, `invalid ${name} argument`);
  }

  #comprehension(
    { args, position, name }: CallExpression,
    target: Expression,
    form: { variables: number; macro: MacroName },
    scope: Scope | undefined,
  ): Checked {
    const { macro, variables } = form;
    const names = args.slice(0, variables).map((arg) => (arg.kind === 'ident' ? arg.name : undefined));
    const bodies = args.slice(variables);
    for (const [index, found] of names.entries()) {
      if (found === undefined) return this.#failed(args[index]?.position ?? position, 'argument must be a simple name');
    }
    if (names.length === 2 && names[0] === names[1])
      return this.#failed(args[1]?.position ?? position, `duplicate variable name: ${String(names[0])}`);
    const range = this.#check(target, scope);
    const types = this.#rangeTypes(range, variables, name);
    let inner = scope;
    const slots: number[] = [];
    for (const [index, type] of types.entries()) {
      const slot = this.#slots++;
      slots.push(slot);
      inner = { name: names[index] ?? '', slot, type, outer: inner };
    }
    const checked = bodies.map((body) => this.#check(body, inner));
    const isPredicate = PREDICATES.has(macro);
    const predicate = isPredicate || checked.length === 2 ? checked[0] : undefined;
    const transform = isPredicate ? undefined : checked.at(-1);
    if (predicate !== undefined && !this.#unifier.assign(predicate.type, BOOL))
      this.#notBoolean(macro, predicate, range);
    const type = this.#resultType(macro, range, types, transform);
    return this.#node({ kind: 'comprehension', macro, range, slots, predicate, transform, type, position });
  }

  #notBoolean(macro: MacroName, predicate: Checked, range: Checked): void {
    const { type, position } = predicate;
    if (macro === 'all' || macro === 'exists')
      this.#noOverload(macro === 'all' ? '_&&_' : '_||_', position, [BOOL, type], false);
    else {
      const branch = macro === 'exists_one' ? INT : listOf(firstParam(this.#unifier.resolve(range.type)));
      this.#noOverload('_?_:_', position, [type, branch, branch], false);
    }
  }

  #rangeTypes(range: Checked, variables: number, name: string): CelType[] {
    const type = this.#unifier.resolve(range.type);
    if (type.kind === 'list') {
      if (variables === 1) return [firstParam(type)];
      return [INT, firstParam(type)];
    }
    if (type.kind === 'map' && name !== 'sortBy')
      return variables === 1 ? [firstParam(type)] : [firstParam(type), secondParam(type)];
    if (type.kind !== 'dyn' && type.kind !== 'error' && type.kind !== 'param')
      this.#fault(
        range.position,
        `expression of type '${this.#show(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    return Array.from({ length: variables }, () => DYN);
  }

  #resultType(macro: MacroName, range: Checked, types: readonly CelType[], transform: Checked | undefined): CelType {
    switch (macro) {
      case 'all':
      case 'exists':
      case 'exists_one':
        return BOOL;
      case 'filter':
        return listOf(types[0] ?? DYN);
      case 'sortBy': {
        const type = this.#unifier.resolve(range.type);
        return type.kind === 'list' ? type : listOf(DYN);
      }
      case 'map':
      case 'transformList':
        return listOf(transform?.type ?? DYN);
      case 'transformMap':
        return mapOf(types[0] ?? DYN, transform?.type ?? DYN);
      case 'transformMapEntry': {
        const [key, value] = [typeParam('K'), typeParam('V')];
        if (transform !== undefined && !this.#unifier.assign(transform.type, mapOf(key, value)))
          this.#noOverload('cel.@mapInsert', transform.position, [mapOf(DYN, DYN), transform.type], false);
        return mapOf(key, value);
      }
    }
  }

  #optMap({ name, args, position }: CallExpression, target: Expression, scope: Scope | undefined): Checked {
    const [variable, bodyExpression] = args;
    if (variable?.kind !== 'ident' || bodyExpression === undefined)
      return this.#failed(variable?.position ?? position, `${name}() variable name must be a simple identifier`);
    const operand = this.#check(target, scope);
    const element = typeParam('T');
    if (!this.#unifier.assign(operand.type, optionalOf(element)))
      this.#noOverload('hasValue', position, [operand.type], true);
    const slot = this.#slots++;
    const body = this.#check(bodyExpression, { name: variable.name, slot, type: element, outer: scope });
    const flat = name === 'optFlatMap';
    if (flat && !this.#unifier.assign(body.type, optionalOf(typeParam('F'))))
      this.#noOverload('_?_:_', position, [BOOL, body.type, optionalOf(DYN)], false);
    return this.#node({
      kind: 'optMap',
      operand,
      slot,
      body,
      flat,
      type: flat ? body.type : optionalOf(body.type),
      position,
    });
  }

  #struct({ name, fields, position }: StructExpression, scope: Scope | undefined): Checked {
    const type = this.#declared.types.get(name);
    if (type?.fields === undefined)
      return this.#failed(position, `undeclared reference to '${name}' (in container '')`);
    const checked: { key: string; value: Checked; optional: boolean }[] = [];
    for (const field of fields) {
      const value = this.#check(field.value, scope);
      const declared = type.fields.get(field.name);
      if (declared === undefined) {
        this.#fault(field.position, `undefined field '${field.name}'`);
        continue;
      }
      const given = field.optional ? this.#contained(value, true) : value.type;
      if (!this.#unifier.assign(given, declared.type))
        this.#fault(
          field.position,
          `expected type of field '${field.name}' is '${this.#show(declared.type)}' but provided type is '${this.#show(given)}'`,
        );
      checked.push({ key: declared.name, value, optional: field.optional });
    }
    return this.#node({ kind: 'struct', name, fields: checked, type, position });
  }
}

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'boolean':
      return BOOL;
    case 'bigint':
      return INT;
    case 'number':
      return DOUBLE;
    case 'string':
      return STRING;
    default:
      return value === null ? NULL : value instanceof CelUint ? UINT : BYTES;
  }
}

import type { Checked } from './checked.js';
import { COST_LIST, COST_MAP, COST_PER_CHARACTER, COST_PER_REGEX_CHARACTER, COST_STRUCT } from './meter.js';
import type { CelType } from './types.js';
import { CelUint } from './values.js';

/** What an expression can cost at most, and how large its value can get. Unbounded is infinite. */
interface Estimate {
  cost: number;
  size: number;
  /** Of what the value holds, where a list or map is made within the expression. */
  element?: number;
}

/** The most that evaluating the expression can cost, from the sizes its types have at most; infinite where nothing bounds it. */
export function estimateCost(root: Checked): number {
  return new Estimator().estimate(root).cost;
}

const FIXED_SIZE: ReadonlySet<string> = new Set(['bool', 'int', 'uint', 'double', 'null', 'type', 'opaque']);
const TRAVERSALS: Readonly<Record<string, number>> = {
  url: 1,
  isURL: 1,
  lowerAscii: 1,
  upperAscii: 1,
  substring: 1,
  trim: 1,
  'jsonpatch.escapeKey': 1,
  'strings.quote': 1,
  split: 2,
  replace: 2,
  ip: 1,
  isIP: 1,
  cidr: 1,
  isCIDR: 1,
  'ip.isCanonical': 2,
  quantity: 1,
  isQuantity: 1,
  semver: 1,
  isSemver: 1,
  bytes: 1,
  string: 1,
};
const WALKS = new Set([
  'isSorted',
  'sum',
  'min',
  'max',
  'indexOf',
  'lastIndexOf',
  'slice',
  'flatten',
  'sort',
  'reverse',
  'distinct',
  'unwrapOpt',
  'optional.unwrap',
]);
const COMPARISONS = new Set(['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_']);
const FORMAT_REGEX_LENGTH = 100;
const AUTHORIZER_CHECK_COST = 350_000;
/** What one round costs besides its bodies, at most. */
const ROUND_COST = COST_LIST + 3;

class Estimator {
  readonly #locals = new Map<number, Estimate>();

  estimate(node: Checked): Estimate {
    switch (node.kind) {
      case 'literal':
        return { cost: 0, size: literalSize(node.value) };
      case 'variable':
        return { cost: 1, size: typeSize(node.type) };
      case 'local':
        return { cost: 1, size: this.#locals.get(node.slot)?.size ?? typeSize(node.type) };
      case 'select': {
        const operand = this.estimate(node.operand);
        return { cost: operand.cost + (node.test ? 0 : 1), size: typeSize(node.type) };
      }
      case 'call':
        return this.#call(node);
      case 'logical':
        return { cost: sum(node.args.map((arg) => this.estimate(arg).cost)), size: 1 };
      case 'conditional': {
        const [condition, yes, no] = [node.condition, node.yes, node.no].map((part) => this.estimate(part));
        const branches = [yes, no];
        return {
          cost: (condition?.cost ?? 0) + Math.max(...branches.map((branch) => branch?.cost ?? 0)),
          size: Math.max(...branches.map((branch) => branch?.size ?? 0)),
        };
      }
      case 'list': {
        const elements = node.elements.map(({ value }) => this.estimate(value));
        const element = Math.max(0, ...elements.map(({ size }) => size));
        return { cost: COST_LIST + sum(elements.map(({ cost }) => cost)), size: elements.length, element };
      }
      case 'map': {
        const parts = node.entries.flatMap(({ key, value }) => [this.estimate(key), this.estimate(value)]);
        return { cost: COST_MAP + sum(parts.map(({ cost }) => cost)), size: node.entries.length };
      }
      case 'struct':
        return { cost: COST_STRUCT + sum(node.fields.map(({ value }) => this.estimate(value).cost)), size: 1 };
      case 'comprehension':
        return this.#comprehension(node);
      case 'optMap': {
        const operand = this.estimate(node.operand);
        this.#locals.set(node.slot, { cost: 1, size: operand.size });
        const body = this.estimate(node.body);
        return { cost: operand.cost + body.cost, size: body.size };
      }
    }
  }

  #comprehension(node: Extract<Checked, { kind: 'comprehension' }>): Estimate {
    const range = this.estimate(node.range);
    const elements = range.element ?? elementSize(node.range.type);
    const [one, other] = node.slots;
    if (one !== undefined) this.#locals.set(one, { cost: 1, size: other === undefined ? elements : 1 });
    if (other !== undefined) this.#locals.set(other, { cost: 1, size: elements });
    const predicate = node.predicate === undefined ? 0 : this.estimate(node.predicate).cost;
    const transform = node.transform === undefined ? { cost: 0, size: elements } : this.estimate(node.transform);
    const isQuantifier = node.macro === 'all' || node.macro === 'exists' || node.macro === 'exists_one';
    const round = (isQuantifier ? 3 : ROUND_COST) + predicate + transform.cost;
    const isBool = node.type.kind === 'bool';
    return {
      cost: range.cost + 2 + times(range.size, round),
      size: isBool ? 1 : range.size,
      element: transform.size,
    };
  }

  #call(node: Extract<Checked, { kind: 'call' }>): Estimate {
    const args = node.args.map((arg) => this.estimate(arg));
    const before = sum(args.map(({ cost }) => cost));
    const sizes = args.map(({ size }) => size);
    const { cost, size, element } = this.#callItself(node, sizes, args);
    return { cost: before + cost, size, ...(element === undefined ? {} : { element }) };
  }

  #callItself(node: Extract<Checked, { kind: 'call' }>, sizes: readonly number[], args: readonly Estimate[]): Estimate {
    const { name, type } = node;
    const [first = 1, second = 1] = sizes;
    const own = typeSize(type);
    if (COMPARISONS.has(name)) return { cost: Math.max(1, perCharacter(Math.min(first, second))), size: 1 };
    if (name === '_+_') {
      const together = first + second;
      if (type.kind === 'string' || type.kind === 'bytes')
        return { cost: Math.max(1, perCharacter(together)), size: together };
      if (type.kind === 'list')
        return {
          cost: 1,
          size: together,
          element: Math.max(...args.map((arg, index) => arg.element ?? elementSize(node.args[index]?.type))),
        };
      return { cost: 1, size: 1 };
    }
    if (name === '@in') return { cost: node.args[1]?.type.kind === 'map' ? 1 : Math.max(1, second), size: 1 };
    if (name === 'contains') return { cost: times(perCharacter(first), perCharacter(second)), size: 1 };
    if (name === 'startsWith' || name === 'endsWith') return { cost: perCharacter(second), size: 1 };
    if (name === 'matches' || name === 'find' || name === 'findAll') {
      const cost = times(perCharacter(first + 1), Math.ceil(second * COST_PER_REGEX_CHARACTER));
      return name === 'findAll' ? { cost, size: first, element: first } : { cost, size: name === 'find' ? first : 1 };
    }
    if (name === 'validate')
      return {
        cost: times(perCharacter(second + 1), Math.ceil(FORMAT_REGEX_LENGTH * COST_PER_REGEX_CHARACTER)),
        size: 10,
        element: 500,
      };
    if (name === 'check') return { cost: AUTHORIZER_CHECK_COST, size: 1 };
    if (name.startsWith('sets.')) return { cost: times(first, second) + 1, size: 1 };
    if (name === 'join') {
      const size = times(first, (args[0]?.element ?? elementSize(node.args[0]?.type)) + (sizes[1] ?? 0));
      return { cost: perCharacter(size), size };
    }
    if (name === 'format') return { cost: perCharacter(first), size: Number.POSITIVE_INFINITY };
    if (name === 'lists.range')
      return { cost: literalNumber(node.args[0]) ?? 1_000_000, size: literalNumber(node.args[0]) ?? 1_000_000 };
    if (WALKS.has(name)) {
      const isText = node.args[0]?.type.kind === 'string';
      const element = args[0]?.element ?? elementSize(node.args[0]?.type);
      const walked = isText
        ? perCharacter(first)
        : times(first, 1 + (Number.isFinite(element) ? perCharacter(element) : 0));
      return {
        cost: Math.max(1, walked),
        size: FIXED_SIZE.has(type.kind) ? 1 : type.kind === 'list' ? first : element,
        element,
      };
    }
    const factor = Object.hasOwn(TRAVERSALS, name) ? TRAVERSALS[name] : undefined;
    if (factor !== undefined) {
      const size = name === 'replace' ? replacedSize(sizes) : first;
      return { cost: Math.max(1, Math.ceil(first * COST_PER_CHARACTER * factor)), size, element: first };
    }
    if (name === '_[_]' || name === '_[?_]') return { cost: 1, size: args[0]?.element ?? own };
    if (name === 'optional.of' || name === 'dyn' || name === 'value') return { cost: 1, size: first };
    if (name === 'orValue' || name === 'or') return { cost: 1, size: Math.max(first, second) };
    return { cost: 1, size: own };
  }
}

/** Every character replaced, at most. */
function replacedSize([text = 0, , to = 0]: readonly number[]): number {
  return Math.max(text, times(text + 1, Math.max(1, to)));
}

function perCharacter(size: number): number {
  return Math.ceil(size * COST_PER_CHARACTER);
}

/** A product in which nothing times anything is nothing. */
function times(count: number, each: number): number {
  return count === 0 || each === 0 ? 0 : count * each;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function literalSize(value: unknown): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 1;
}

function literalNumber(node: Checked | undefined): number | undefined {
  if (node?.kind !== 'literal') return undefined;
  const { value } = node;
  return typeof value === 'bigint'
    ? Math.max(0, Number(value))
    : value instanceof CelUint
      ? Number(value.value)
      : undefined;
}

function typeSize(type: CelType): number {
  if (FIXED_SIZE.has(type.kind)) return 1;
  if (type.kind === 'object') return 1;
  return type.sizeMax ?? Number.POSITIVE_INFINITY;
}

function elementSize(type: CelType | undefined): number {
  const element = type?.params[0];
  return element === undefined ? Number.POSITIVE_INFINITY : typeSize(element);
}

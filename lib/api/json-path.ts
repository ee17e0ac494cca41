/**
 * JSONPath as custom resources use it for columns, selectable fields and scale: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
 * `.metadata.labels['a.b/c']`, `.spec.ports[*].port`, `.spec.list[0]`, `[1:3]`, `..name`. Compiled once, evaluated without faults: what is not there
 * gives nothing.
 */
export type JsonPath = readonly JsonPathStep[];

export type JsonPathStep =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | {
      readonly kind: 'slice';
      readonly start: number | undefined;
      readonly end: number | undefined;
      readonly step: number;
    }
  | { readonly kind: 'all' }
  | { readonly kind: 'descend' }
  | {
      readonly kind: 'filter';
      readonly left: JsonPathOperand;
      readonly operator: string;
      readonly right: JsonPathOperand;
    };

type JsonPathOperand = { readonly path: JsonPath } | { readonly value: string | number | boolean | null };

/** The text is no path; `message` says where. */
export class JsonPathError extends Error {
  readonly code = 'JsonPath';

  constructor(message: string) {
    super(message);
    this.name = 'JsonPathError';
  }
}

/** Values that one path may find. */
const FOUND_MAX = 10_000;
const LENGTH_MAX = 4_096;
const MEMBER = /\.([^.[\]\s\\]+(?:\\.[^.[\]\s\\]*)*)/y;
const QUOTED = /\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/y;
const INDEX = /\[\s*(-?[0-9]+)\s*\]/y;
const SLICE = /\[\s*(-?[0-9]*)\s*:\s*(-?[0-9]*)\s*(?::\s*([0-9]*)\s*)?\]/y;
const ALL = /\[\s*\*\s*\]|\.\*/y;
const FILTER = /\[\s*\?\(\s*/y;
const FILTER_END = /\s*\)\s*\]/y;
const OPERATOR = /\s*(==|!=|<=|>=|<|>)\s*/y;
const LITERAL = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?[0-9]+(?:\.[0-9]+)?)|(true|false)|(null|nil)/y;

/** Throws `JsonPathError`. */
export function parseJsonPath(text: string): JsonPath {
  if (text.length > LENGTH_MAX) throw new JsonPathError(`the path is longer than ${LENGTH_MAX} characters`);
  const { steps, at } = readSteps(text, 0);
  if (at < text.length) throw new JsonPathError(`unexpected ${JSON.stringify(text.slice(at, at + 20))} at ${at}`);
  return steps;
}

function readSteps(text: string, from: number): { steps: JsonPathStep[]; at: number } {
  const steps: JsonPathStep[] = [];
  let at = from;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? undefined;
    if (found !== undefined) at += found[0].length;
    return found;
  };
  for (;;) {
    if (text.startsWith('..', at)) {
      steps.push({ kind: 'descend' });
      at += text[at + 2] === '[' ? 2 : 1;
      continue;
    }
    if (take(ALL) !== undefined) {
      steps.push({ kind: 'all' });
      continue;
    }
    const member = take(MEMBER) ?? take(QUOTED);
    if (member !== undefined) {
      steps.push({ kind: 'member', name: (member[1] ?? member[2] ?? '').replace(/\\(.)/g, '$1') });
      continue;
    }
    const index = take(INDEX);
    if (index !== undefined) {
      steps.push({ kind: 'index', index: Number(index[1]) });
      continue;
    }
    const slice = take(SLICE);
    if (slice !== undefined) {
      const number = (part: string | undefined): number | undefined => (part ? Number(part) : undefined);
      steps.push({ kind: 'slice', start: number(slice[1]), end: number(slice[2]), step: number(slice[3]) ?? 1 });
      continue;
    }
    if (take(FILTER) !== undefined) {
      const left = readOperand(text, at);
      at = left.at;
      const operator = take(OPERATOR)?.[1];
      let right = left;
      if (operator !== undefined) {
        right = readOperand(text, at);
        at = right.at;
      }
      if (take(FILTER_END) === undefined) throw new JsonPathError(`unterminated filter at ${at}`);
      steps.push({ kind: 'filter', left: left.operand, operator: operator ?? 'exists', right: right.operand });
      continue;
    }
    if (text[at] === '[') throw new JsonPathError(`invalid array index ${text.slice(at)}`);
    return { steps, at };
  }
}

function readOperand(text: string, at: number): { operand: JsonPathOperand; at: number } {
  if (text[at] === '@') {
    const { steps, at: end } = readSteps(text, at + 1);
    return { operand: { path: steps }, at: end };
  }
  LITERAL.lastIndex = at;
  const found = LITERAL.exec(text);
  if (found === null) throw new JsonPathError(`unrecognized character in filter at ${at}`);
  const [whole, single, double, number, boolean] = found;
  const quoted = single ?? double;
  const value =
    quoted !== undefined
      ? quoted.replace(/\\(.)/g, '$1')
      : number !== undefined
        ? Number(number)
        : boolean !== undefined
          ? boolean === 'true'
          : null;
  return { operand: { value }, at: at + whole.length };
}

/** All values that the path finds, in order. */
export function findJsonPath(path: JsonPath, value: unknown): unknown[] {
  let found: unknown[] = [value];
  for (const step of path) {
    const next: unknown[] = [];
    for (const one of found) {
      if (next.length >= FOUND_MAX) break;
      take(step, one, next);
    }
    found = next;
  }
  return found.slice(0, FOUND_MAX);
}

function take(step: JsonPathStep, value: unknown, into: unknown[]): void {
  switch (step.kind) {
    case 'member':
      if (isObject(value) && Object.hasOwn(value, step.name)) into.push(value[step.name]);
      return;
    case 'index': {
      if (!Array.isArray(value)) return;
      const found: unknown = value.at(step.index);
      if (found !== undefined) into.push(found);
      return;
    }
    case 'slice':
      if (Array.isArray(value)) {
        const sliced: unknown[] = value.slice(step.start, step.end);
        for (let index = 0; index < sliced.length; index += Math.max(1, step.step)) into.push(sliced[index]);
      }
      return;
    case 'all':
      for (const child of childrenOf(value)) into.push(child);
      return;
    case 'descend':
      descend(value, into);
      return;
    case 'filter':
      for (const child of childrenOf(value)) if (holds(step, child)) into.push(child);
  }
}

function descend(value: unknown, into: unknown[]): void {
  if (into.length >= FOUND_MAX) return;
  into.push(value);
  for (const child of childrenOf(value)) if (typeof child === 'object' && child !== null) descend(child, into);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function holds({ left, operator, right }: Extract<JsonPathStep, { kind: 'filter' }>, value: unknown): boolean {
  const one = valueOf(left, value);
  if (operator === 'exists') return one !== undefined;
  const other = valueOf(right, value);
  if (one === undefined || other === undefined) return false;
  switch (operator) {
    case '==':
      return one === other;
    case '!=':
      return one !== other;
    default:
  }
  if (typeof one !== typeof other || (typeof one !== 'number' && typeof one !== 'string')) return false;
  const [a, b] = [one as number | string, other as number | string];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

function valueOf(operand: JsonPathOperand, value: unknown): unknown {
  return 'path' in operand ? findJsonPath(operand.path, value)[0] : operand.value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

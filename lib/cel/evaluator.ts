import type { Checked } from './checked.js';
import { CelError, NO_OVERLOAD } from './errors.js';
import { fromJson } from './json.js';
import { sortBy } from './library/lists.js';
import { optionalAccess } from './library/optionals.js';
import { keyText } from './library/standard.js';
import { type CelMeter, COST_LIST, COST_MAP, COST_STRUCT } from './meter.js';
import type { CelResult, Overload } from './overload.js';
import type { CelType } from './types.js';
import {
  ArrayList,
  CelList,
  CelMap,
  CelOptional,
  CelStruct,
  type CelValue,
  isOfType,
  mapKey,
  NativeMap,
  OPTIONAL_NONE,
} from './values.js';

/** One evaluation: what variables are, what local ones are just now, and what it has cost. */
export interface Frame {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly types: ReadonlyMap<string, CelType>;
  readonly known: Map<string, CelResult>;
  readonly locals: CelValue[];
  readonly meter: CelMeter;
}

export type Run = (frame: Frame) => CelResult;

/** Makes a function of a checked expression. */
export function makeRun(node: Checked): Run {
  switch (node.kind) {
    case 'literal':
      return () => node.value;
    case 'variable':
      return (frame) => variable(frame, node.name);
    case 'local':
      return (frame) => {
        frame.meter.charge(1);
        return frame.locals[node.slot] ?? null;
      };
    case 'select':
      return makeSelect(node);
    case 'call':
      return makeCall(node.overloads, node.args.map(makeRun));
    case 'logical':
      return makeLogical(node.isAnd, node.args.map(makeRun));
    case 'conditional': {
      const [condition, yes, no] = [makeRun(node.condition), makeRun(node.yes), makeRun(node.no)];
      return (frame) => {
        const chosen = condition(frame);
        if (chosen === true) return yes(frame);
        if (chosen === false) return no(frame);
        return chosen instanceof CelError ? chosen : NO_OVERLOAD;
      };
    }
    case 'list':
      return makeList(node.elements.map(({ value, optional }) => ({ run: makeRun(value), optional })));
    case 'map':
      return makeMap(
        node.entries.map(({ key, value, optional }) => ({ key: makeRun(key), run: makeRun(value), optional })),
      );
    case 'struct':
      return makeStruct(
        node.name,
        node.fields.map(({ key, value, optional }) => ({ key, run: makeRun(value), optional })),
      );
    case 'comprehension':
      return makeComprehension(node);
    case 'optMap': {
      const [operand, body] = [makeRun(node.operand), makeRun(node.body)];
      return (frame) => {
        const value = operand(frame);
        if (!(value instanceof CelOptional)) return value instanceof CelError ? value : NO_OVERLOAD;
        if (value.value === undefined) return OPTIONAL_NONE;
        frame.locals[node.slot] = value.value;
        const result = body(frame);
        return node.flat || result instanceof CelError ? result : new CelOptional(result);
      };
    }
  }
}

function variable(frame: Frame, name: string): CelResult {
  frame.meter.charge(1);
  const known = frame.known.get(name);
  if (known !== undefined) return known;
  const type = frame.types.get(name);
  const value =
    type === undefined || !Object.hasOwn(frame.variables, name)
      ? new CelError(`no such attribute(s): ${name}`)
      : fromJson(frame.variables[name], type);
  frame.known.set(name, value);
  return value;
}

function makeSelect({ operand, field, optional, test }: Extract<Checked, { kind: 'select' }>): Run {
  const run = makeRun(operand);
  return (frame) => {
    const target = run(frame);
    if (target instanceof CelError) return target;
    if (!test) frame.meter.charge(1);
    if (optional || target instanceof CelOptional) {
      const found = optionalAccess(target, field);
      return test && found instanceof CelOptional ? found.value !== undefined : found;
    }
    if (!(target instanceof CelMap)) return new CelError(`no such key: ${field}`);
    const found = target.find(field);
    if (test) return found !== undefined;
    return found ?? (found === null ? null : new CelError(`no such key: ${field}`));
  };
}

function makeCall(overloads: readonly Overload[], args: readonly Run[]): Run {
  return (frame) => {
    const values: CelValue[] = [];
    for (const arg of args) {
      const value = arg(frame);
      if (value instanceof CelError) return value;
      values.push(value);
    }
    for (const overload of overloads) {
      if (!fits(overload, values)) continue;
      frame.meter.charge(1);
      const result = overload.apply(values, frame.meter);
      if (overload.cost !== undefined) frame.meter.charge(Math.max(0, overload.cost(values, result) - 1));
      return result;
    }
    return NO_OVERLOAD;
  };
}

function fits({ params }: Overload, values: readonly CelValue[]): boolean {
  for (const [index, param] of params.entries()) if (!isOfType(values[index] ?? null, param)) return false;
  return true;
}

/** `&&` and `||`: an operand that decides makes faults of the others not count. */
function makeLogical(isAnd: boolean, args: readonly Run[]): Run {
  return (frame) => {
    let fault: CelError | undefined;
    for (const arg of args) {
      const value = arg(frame);
      if (value === !isAnd) return value;
      if (value === isAnd) continue;
      fault ??= value instanceof CelError ? value : NO_OVERLOAD;
    }
    return fault ?? isAnd;
  };
}

function makeList(elements: readonly { run: Run; optional: boolean }[]): Run {
  return (frame) => {
    frame.meter.charge(COST_LIST);
    const values: CelValue[] = [];
    for (const { run, optional } of elements) {
      const value = run(frame);
      if (value instanceof CelError) return value;
      if (!optional) values.push(value);
      else if (!(value instanceof CelOptional)) return NO_OVERLOAD;
      else if (value.value !== undefined) values.push(value.value);
    }
    return new ArrayList(values);
  };
}

type Entries = Map<string, readonly [CelValue, CelValue]>;

function insert(entries: Entries, key: CelValue, value: CelValue): CelError | undefined {
  const name = mapKey(key);
  if (name === undefined || typeof key === 'number') return new CelError('unsupported key type');
  if (entries.has(name)) return new CelError(`Failed with repeated key: ${keyText(key)}`);
  entries.set(name, [key, value]);
  return undefined;
}

function makeMap(items: readonly { key: Run; run: Run; optional: boolean }[]): Run {
  return (frame) => {
    frame.meter.charge(COST_MAP);
    const entries: Entries = new Map();
    for (const item of items) {
      const key = item.key(frame);
      if (key instanceof CelError) return key;
      let value = item.run(frame);
      if (value instanceof CelError) return value;
      if (item.optional) {
        if (!(value instanceof CelOptional)) return NO_OVERLOAD;
        if (value.value === undefined) continue;
        value = value.value;
      }
      const fault = insert(entries, key, value);
      if (fault !== undefined) return fault;
    }
    return new NativeMap(entries);
  };
}

function makeStruct(name: string, fields: readonly { key: string; run: Run; optional: boolean }[]): Run {
  return (frame) => {
    frame.meter.charge(COST_STRUCT);
    const values = new Map<string, CelValue>();
    for (const { key, run, optional } of fields) {
      const value = run(frame);
      if (value instanceof CelError) return value;
      if (!optional) values.set(key, value);
      else if (value instanceof CelOptional && value.value !== undefined) values.set(key, value.value);
    }
    return new CelStruct(name, values);
  };
}

type Comprehension = Extract<Checked, { kind: 'comprehension' }>;

/** Costs of one round besides the bodies: reading and joining the accumulator, as cel-go's expansion of the macro does. */
const ROUND_COST: Readonly<Record<Comprehension['macro'], number>> = {
  all: 3,
  exists: 4,
  exists_one: 1,
  map: COST_LIST + 2,
  filter: 1,
  transformList: COST_LIST + 2,
  transformMap: 2,
  transformMapEntry: 2,
  sortBy: COST_LIST + 2,
};
const KEPT_COST = COST_LIST + 2;

function makeComprehension(node: Comprehension): Run {
  const range = makeRun(node.range);
  const predicate = node.predicate === undefined ? undefined : makeRun(node.predicate);
  const transform = node.transform === undefined ? undefined : makeRun(node.transform);
  const finish = FINISHERS[node.macro];
  return (frame) => {
    const over = range(frame);
    if (over instanceof CelError) return over;
    frame.meter.charge(1);
    const rounds = roundsOf(over, node.slots.length);
    if (rounds === undefined) return NO_OVERLOAD;
    return finish(frame, rounds, node, predicate, transform);
  };
}

/** Index or key and value of each round; only the first where one variable is asked for. */
function* roundsOf2(over: CelList | CelMap, variables: number): Generator<readonly [CelValue, CelValue]> {
  if (over instanceof CelList) {
    for (let index = 0; index < over.size; index++) {
      const value = over.at(index);
      yield variables === 1 ? [value, value] : [BigInt(index), value];
    }
    return;
  }
  for (const key of over.keys()) yield [key, variables === 1 ? key : (over.find(key) ?? null)];
}

type Rounds = Generator<readonly [CelValue, CelValue]>;

function roundsOf(over: CelValue, variables: number): Rounds | undefined {
  return over instanceof CelList || over instanceof CelMap ? roundsOf2(over, variables) : undefined;
}

type Finisher = (
  frame: Frame,
  rounds: Rounds,
  node: Comprehension,
  predicate: Run | undefined,
  transform: Run | undefined,
) => CelResult;

/** Puts the round's values where the bodies read them. */
function bind(frame: Frame, node: Comprehension, [first, second]: readonly [CelValue, CelValue]): void {
  frame.meter.charge(ROUND_COST[node.macro]);
  const [one, other] = node.slots;
  if (one !== undefined) frame.locals[one] = first;
  if (other !== undefined) frame.locals[other] = second;
}

const quantified =
  (isAll: boolean): Finisher =>
  (frame, rounds, node, predicate) => {
    let fault: CelError | undefined;
    for (const round of rounds) {
      bind(frame, node, round);
      const value = predicate?.(frame) ?? false;
      if (value === !isAll) return value;
      if (value === isAll) continue;
      fault ??= value instanceof CelError ? value : NO_OVERLOAD;
    }
    return fault ?? isAll;
  };

/** Goes through the rounds that the predicate keeps; a fault ends it. */
function eachKept(
  frame: Frame,
  rounds: Rounds,
  node: Comprehension,
  predicate: Run | undefined,
  visit: (round: readonly [CelValue, CelValue]) => CelError | undefined,
): CelError | undefined {
  for (const round of rounds) {
    bind(frame, node, round);
    const kept = predicate === undefined ? true : predicate(frame);
    if (kept === false) continue;
    if (kept !== true) return kept instanceof CelError ? kept : NO_OVERLOAD;
    const fault = visit(round);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const collected: Finisher = (frame, rounds, node, predicate, transform) => {
  const found: CelValue[] = [];
  const fault = eachKept(frame, rounds, node, predicate, ([first]) => {
    if (transform === undefined) frame.meter.charge(KEPT_COST);
    const value = transform === undefined ? first : transform(frame);
    if (value instanceof CelError) return value;
    found.push(value);
    return undefined;
  });
  return fault ?? new ArrayList(found);
};

const FINISHERS: Readonly<Record<Comprehension['macro'], Finisher>> = {
  all: quantified(true),
  exists: quantified(false),
  exists_one: (frame, rounds, node, predicate) => {
    let count = 0;
    const fault = eachKept(frame, rounds, node, predicate, () => {
      count++;
      return undefined;
    });
    return fault ?? count === 1;
  },
  filter: collected,
  map: collected,
  transformList: collected,
  transformMap: (frame, rounds, node, predicate, transform) => {
    const entries: Entries = new Map();
    const fault = eachKept(frame, rounds, node, predicate, ([key]) => {
      const value = transform?.(frame) ?? null;
      return value instanceof CelError ? value : insert(entries, key, value);
    });
    return fault ?? new NativeMap(entries);
  },
  transformMapEntry: (frame, rounds, node, predicate, transform) => {
    const entries: Entries = new Map();
    const fault = eachKept(frame, rounds, node, predicate, () => {
      const made = transform?.(frame) ?? null;
      if (made instanceof CelError) return made;
      if (!(made instanceof CelMap)) return NO_OVERLOAD;
      for (const key of made.keys()) {
        const wrong = insert(entries, key, made.find(key) ?? null);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    });
    return fault ?? new NativeMap(entries);
  },
  sortBy: (frame, rounds, node, predicate, transform) => {
    const [values, keys]: [CelValue[], CelValue[]] = [[], []];
    const fault = eachKept(frame, rounds, node, predicate, ([value]) => {
      const key = transform?.(frame) ?? null;
      if (key instanceof CelError) return key;
      values.push(value);
      keys.push(key);
      return undefined;
    });
    return fault ?? sortBy(values, keys, frame.meter);
  },
};

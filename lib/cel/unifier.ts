import { type CelType, DYN, typeParam } from './types.js';

/** Type parameters and what they stand for, while one expression is checked. */
export class Unifier {
  readonly #bound = new Map<CelType, CelType>();
  #trail: CelType[] = [];

  /** A copy of the types with fresh parameters, the same one for each name. */
  fresh(types: readonly CelType[]): CelType[] {
    const made = new Map<string, CelType>();
    const copy = (type: CelType): CelType => {
      if (type.kind === 'param') {
        const known = made.get(type.name);
        if (known !== undefined) return known;
        const param = typeParam(type.name);
        made.set(type.name, param);
        return param;
      }
      return type.params.length === 0 ? type : { ...type, params: type.params.map(copy) };
    };
    return types.map(copy);
  }

  /** Follows parameters to what they stand for, on top only. */
  shallow(type: CelType): CelType {
    let found = type;
    for (;;) {
      const next = found.kind === 'param' ? this.#bound.get(found) : undefined;
      if (next === undefined) return found;
      found = next;
    }
  }

  /** With every parameter replaced; those that nothing is known of become `dyn` when `final`. */
  resolve(type: CelType, final = false): CelType {
    const top = this.shallow(type);
    if (top.kind === 'param') return final ? DYN : top;
    if (top.params.length === 0) return top;
    const params = top.params.map((param) => this.resolve(param, final));
    return params.every((param, index) => param === top.params[index]) ? top : { ...top, params };
  }

  /** Whether every actual type can stand for the expected one; what that binds stays only if all do. */
  assignAll(actual: readonly CelType[], expected: readonly CelType[]): boolean {
    if (actual.length !== expected.length) return false;
    const before = this.#trail;
    this.#trail = [];
    const holds = actual.every((type, index) => this.#assign(type, expected[index] ?? DYN));
    if (!holds) for (const param of this.#trail) this.#bound.delete(param);
    this.#trail = before;
    return holds;
  }

  assign(actual: CelType, expected: CelType): boolean {
    return this.assignAll([actual], [expected]);
  }

  #assign(actualType: CelType, expectedType: CelType): boolean {
    const actual = this.shallow(actualType);
    const expected = this.shallow(expectedType);
    if (actual === expected) return true;
    if (expected.kind === 'param') return this.#bind(expected, actual);
    if (actual.kind === 'param') return this.#bind(actual, expected);
    if (isLoose(actual) || isLoose(expected)) return true;
    if (actual.kind === 'null' || expected.kind === 'null') {
      const other = actual.kind === 'null' ? expected : actual;
      return other.kind === 'null' || NULLABLE.has(other.kind);
    }
    if (actual.kind !== expected.kind || actual.name !== expected.name) return false;
    if (actual.kind === 'type') return true;
    return actual.params.every((param, index) => this.#assign(param, expected.params[index] ?? DYN));
  }

  #bind(param: CelType, type: CelType): boolean {
    if (this.#occurs(param, type)) return false;
    this.#bound.set(param, type);
    this.#trail.push(param);
    return true;
  }

  #occurs(param: CelType, type: CelType): boolean {
    const found = this.shallow(type);
    return found === param || found.params.some((inner) => this.#occurs(param, inner));
  }
}

const NULLABLE = new Set(['object', 'opaque', 'optional', 'timestamp', 'duration']);

function isLoose(type: CelType): boolean {
  return type.kind === 'dyn' || type.kind === 'error';
}

/** Whether two types are the same, sizes aside. */
export function sameType(left: CelType, right: CelType): boolean {
  if (left === right) return true;
  return (
    left.kind === right.kind &&
    left.name === right.name &&
    left.params.length === right.params.length &&
    left.params.every((param, index) => sameType(param, right.params[index] ?? DYN))
  );
}

import type { Checked } from './checked.js';
import { Checker, type Declarations } from './checker.js';
import { CelBudgetError, CelCompileError, CelError } from './errors.js';
import { makeRun, type Run } from './evaluator.js';
import { CelValueFault } from './json.js';
import { CelSyntaxError } from './lexer.js';
import { CelMeter } from './meter.js';
import { parseExpression } from './parser.js';
import { type CelType, formatType } from './types.js';
import type { CelValue } from './values.js';

export interface CelEnvironmentOptions {
  /** Names and types of the variables; a name may be dotted (`authorizer.requestResource`). */
  variables: Readonly<Record<string, CelType>>;
  /** Object types that expressions may make by their names. */
  types?: readonly CelType[];
}

/** What an evaluation came to: a value, or what went wrong. */
export type CelOutcome = { readonly value: CelValue } | { readonly error: string; readonly isOverBudget: boolean };

/** Compiles expressions over declared variables, with the functions and limits of Kubernetes 1.36. */
export class CelEnvironment {
  readonly #declared: Declarations;

  constructor({ variables, types = [] }: CelEnvironmentOptions) {
    this.#declared = {
      variables: new Map(Object.entries(variables)),
      types: new Map(types.map((type) => [type.name, type])),
    };
  }

  /** Throws `CelCompileError` when the expression is wrong, or when it gives none of the types of `results`. */
  compile(source: string, results?: readonly CelType[]): CelProgram {
    try {
      const checker = new Checker(this.#declared);
      const root = checker.check(parseExpression(source));
      if (checker.issues.length > 0) throw new CelCompileError(source, checker.issues);
      if (results !== undefined && !results.some((type) => accepts(type, root.type)))
        throw new CelResultTypeError(root.type, results);
      return new CelProgram(source, root, checker.slotCount, this.#declared.variables);
    } catch (error) {
      if (error instanceof CelSyntaxError) throw new CelCompileError(source, [error]);
      throw error;
    }
  }
}

/** The expression compiles, but to another type than is wanted; `message` is Kubernetes'. */
export class CelResultTypeError extends Error {
  readonly code = 'CelResultType';
  readonly type: CelType;

  constructor(type: CelType, wanted: readonly CelType[]) {
    const names = wanted.map((one) => (one.kind === 'null' ? 'null_type' : formatType(one)));
    super(names.length === 1 ? `must evaluate to ${names[0]}` : `must evaluate to one of [${names.join(' ')}]`);
    this.name = 'CelResultTypeError';
    this.type = type;
  }
}

function accepts(wanted: CelType, type: CelType): boolean {
  if (wanted.kind === 'dyn' || type.kind === 'dyn') return true;
  return wanted.kind === type.kind && (wanted.kind !== 'object' || wanted.name === type.name);
}

/** A compiled expression; holds no state, so it may be evaluated as often as one likes. */
export class CelProgram {
  readonly source: string;
  /** The checked expression, for estimates of its cost. */
  readonly checked: Checked;
  readonly #run: Run;
  readonly #slots: number;
  readonly #types: ReadonlyMap<string, CelType>;

  constructor(source: string, checked: Checked, slots: number, types: ReadonlyMap<string, CelType>) {
    this.source = source;
    this.checked = checked;
    this.#run = makeRun(checked);
    this.#slots = slots;
    this.#types = types;
  }

  get resultType(): CelType {
    return this.checked.type;
  }

  /**
   * Evaluates over variables given as plain JSON (or as values of CEL). `meter` bounds the cost and, when it was given a deadline, the
   * time; afterwards it tells what was spent. Never throws for what the expression does.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, meter: CelMeter = new CelMeter()): CelOutcome {
    const locals = Array.from<CelValue>({ length: this.#slots }).fill(null);
    try {
      const result = this.#run({ variables, types: this.#types, known: new Map(), locals, meter });
      return result instanceof CelError ? { error: result.message, isOverBudget: false } : { value: result };
    } catch (error) {
      if (error instanceof CelBudgetError) return { error: error.message, isOverBudget: true };
      if (error instanceof CelValueFault) return { error: error.fault.message, isOverBudget: false };
      throw error;
    }
  }
}

import { CelBudgetError, COST_EXCEEDED, TIME_EXCEEDED } from './errors.js';
import { CALL_COST_MAX, DEADLINE_CHECK_COST } from './limits.js';

/** Counts what an evaluation costs, in cel-go's units, and ends it when that is more than it may. */
export class CelMeter {
  #spent = 0;
  #nextLook: number;
  readonly #costMax: number;
  readonly #isLate: (() => boolean) | undefined;

  /** `isLate` is asked now and then; true ends the evaluation. */
  constructor(costMax: number = CALL_COST_MAX, isLate?: () => boolean) {
    this.#costMax = costMax;
    this.#isLate = isLate;
    this.#nextLook = isLate === undefined ? Number.POSITIVE_INFINITY : DEADLINE_CHECK_COST;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Throws `CelBudgetError`. */
  charge(cost: number): void {
    this.#spent += cost;
    if (this.#spent > this.#costMax) throw new CelBudgetError(COST_EXCEEDED);
    if (this.#spent < this.#nextLook) return;
    this.#nextLook = this.#spent + DEADLINE_CHECK_COST;
    if (this.#isLate?.() === true) throw new CelBudgetError(TIME_EXCEEDED);
  }
}

/** Cost factors of cel-go. */
export const COST_PER_CHARACTER = 0.1;
export const COST_PER_REGEX_CHARACTER = 0.25;
export const COST_LIST = 10;
export const COST_MAP = 30;
export const COST_STRUCT = 40;

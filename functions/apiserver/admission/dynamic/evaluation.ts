import { CALL_COST_MAX, CelError, CelMeter, LazyObject } from '../../../../lib/cel/index.js';
import type { CelProgram, CelValue } from '../../../../lib/cel/index.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type { AdmissionAttributes, AdmissionPhase, ObjectForm } from '../plugin.js';
import type { AccessQuestions } from './access.js';
import { requestBody } from './admission-review.js';
import { ACCESS_ROUNDS_MAX } from './limits.js';

/** What expressions about one write look at. */
export interface Subject {
  readonly object: KubernetesObject | undefined;
  readonly oldObject: KubernetesObject | undefined;
  readonly request: object;
  /** Absent for what stands in no namespace. */
  readonly namespaceObject: KubernetesObject | undefined;
}

/** The subject of a write in the form that a policy's rules name. */
export async function subjectOf(
  attributes: AdmissionAttributes,
  phase: AdmissionPhase,
  form: ObjectForm,
  namespaceObject: KubernetesObject | undefined,
): Promise<Subject> {
  return {
    object: await form.object(phase),
    oldObject: await form.oldObject(),
    request: requestBody(attributes, phase, form),
    namespaceObject,
  };
}

export type Evaluated = { readonly value: CelValue } | { readonly error: string; readonly isOverBudget: boolean };

export interface NamedProgram {
  readonly name: string;
  readonly program: CelProgram;
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** Evaluates the expressions of one policy for one write and one parameter, which share variables and a budget. */
export class Evaluation {
  readonly #subject: Subject;
  readonly #params: KubernetesObject | undefined;
  readonly #access: AccessQuestions;
  readonly #named: readonly NamedProgram[];
  #left: number;
  #meter = new CelMeter();
  #variables: LazyObject;

  constructor(parts: {
    subject: Subject;
    params: KubernetesObject | undefined;
    access: AccessQuestions;
    /** The policy's variables: computed when an expression asks for them, and once. */
    variables?: readonly NamedProgram[];
    costMax: number;
  }) {
    this.#subject = parts.subject;
    this.#params = parts.params;
    this.#access = parts.access;
    this.#named = parts.variables ?? [];
    this.#left = parts.costMax;
    this.#variables = this.#lazyVariables();
  }

  /** The value, or why there is none, in Kubernetes' words. */
  async evaluate(program: CelProgram): Promise<Evaluated> {
    if (this.#left <= 0) return { error: OUT_OF_BUDGET, isOverBudget: true };
    for (let round = 1; ; round++) {
      this.#meter = new CelMeter(Math.min(CALL_COST_MAX, this.#left));
      const outcome = program.evaluate(this.#inputs(), this.#meter);
      if (round < ACCESS_ROUNDS_MAX && (await this.#access.answer())) {
        // Variables may have been computed from answers that were not known yet.
        this.#variables = this.#lazyVariables();
        continue;
      }
      this.#left -= this.#meter.spent;
      if ('value' in outcome) return outcome;
      const error = `expression '${program.source}' resulted in error: ${outcome.error}`;
      return { error, isOverBudget: outcome.isOverBudget };
    }
  }

  #inputs(): Record<string, unknown> {
    const { object, oldObject, request, namespaceObject } = this.#subject;
    return {
      object: object ?? null,
      oldObject: oldObject ?? null,
      request,
      namespaceObject: namespaceObject ?? null,
      params: this.#params ?? null,
      variables: this.#variables,
      ...this.#access.variables,
    };
  }

  #lazyVariables(): LazyObject {
    const programs = new Map(this.#named.map(({ name, program }) => [name, program]));
    return new LazyObject([...programs.keys()], (name) => {
      const outcome = (programs.get(name) as CelProgram).evaluate(this.#inputs(), this.#meter);
      return 'value' in outcome
        ? outcome.value
        : new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${outcome.error}`);
    });
  }
}

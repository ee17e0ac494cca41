import { BOOL } from '../../../../lib/cel/index.js';
import type { V1MatchCondition } from '../../../../lib/schema/generated/types.js';
import { compileExpression, type ExpressionScope } from './cel-environment.js';
import type { Evaluation, NamedProgram } from './evaluation.js';

/** Throws an `ExpressionError` for a condition that cannot be used. */
export function compileConditions(
  conditions: readonly V1MatchCondition[] | undefined,
  scope: ExpressionScope,
): NamedProgram[] {
  return (conditions ?? []).map(({ name, expression }) => ({
    name,
    program: compileExpression(expression, [BOOL], scope),
  }));
}

/**
 * Whether all conditions hold. One that is false decides, even when others fail; a failure alone is what `error` says, for the failure
 * policy to decide on.
 */
export async function conditionsHold(
  conditions: readonly NamedProgram[],
  evaluation: Evaluation,
): Promise<{ matches: boolean; error?: string }> {
  const errors: string[] = [];
  for (const { program } of conditions) {
    const outcome = await evaluation.evaluate(program);
    if ('error' in outcome) errors.push(outcome.error);
    else if (outcome.value === false) return { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return { matches: false, error: errors.length === 1 ? (errors[0] as string) : `[${errors.join(', ')}]` };
}

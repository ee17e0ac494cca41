import { ApiError } from '../../../../lib/api/errors.js';
import { BOOL, NULL, STRING, type CelProgram } from '../../../../lib/cel/index.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type {
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
  V1Validation,
} from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.js';
import { refusal } from '../refusal.js';
import { AccessQuestions } from './access.js';
import { compileExpression, compileVariables, ExpressionError } from './cel-environment.js';
import { Evaluation, subjectOf, type NamedProgram } from './evaluation.js';
import { MESSAGE_MAX_BYTES, POLICY_COST_MAX } from './limits.js';
import { compileConditions, conditionsHold } from './match-conditions.js';
import { invocationsOf, namespaceObjectOf, policyJoiner, type Invocation } from './policies.js';
import { isExempt } from './rules.js';

const GROUP = 'admissionregistration.k8s.io';
const POLICIES = { group: GROUP, plural: 'validatingadmissionpolicies' };
const BINDINGS = { group: GROUP, plural: 'validatingadmissionpolicybindings' };

type Policy = V1ValidatingAdmissionPolicy & KubernetesObject;
type Binding = V1ValidatingAdmissionPolicyBinding & KubernetesObject;

const FAILURES_ANNOTATION = 'validation.policy.admission.k8s.io/validation_failure';

/** Why a write is refused. */
interface Decision {
  readonly policy: Policy;
  readonly binding: Binding | undefined;
  readonly message: string;
  readonly reason: string | undefined;
}

interface Compiled {
  readonly conditions: readonly NamedProgram[];
  readonly variables: readonly NamedProgram[];
  readonly validations: readonly { validation: V1Validation; check: CelProgram; message: CelProgram | undefined }[];
  readonly annotations: readonly { key: string; program: CelProgram }[];
}

/** Rules in CEL about what may be written. */
export function validatingPolicies(): AdmissionPlugin {
  const join = policyJoiner<Policy, Binding>();
  const known = new WeakMap<Policy, Compiled>();
  const compiledOf = (policy: Policy): Compiled => {
    let compiled = known.get(policy);
    if (compiled === undefined) known.set(policy, (compiled = compile(policy)));
    return compiled;
  };
  return {
    name: 'ValidatingAdmissionPolicy',
    async validate(attributes, context) {
      const policies = await context.policies.list<Policy>(POLICIES);
      if (policies.length === 0 || isExempt(attributes)) return;
      const bound = join(policies, await context.policies.list<Binding>(BINDINGS));
      const denied: Decision[] = [];
      const audited: object[] = [];
      const access = new AccessQuestions(context.authorizer, attributes);
      for await (const found of invocationsOf(bound, { attributes, context, phase: 'validate' })) {
        if (!('form' in found)) {
          denied.push({ ...found, reason: undefined });
          continue;
        }
        const { decisions, annotations } = await apply(found, compiledOf, { attributes, context, access });
        enforce(found, decisions, { attributes, denied, audited });
        for (const { key, value } of annotations) attributes.annotate(key, value);
      }
      if (audited.length > 0) attributes.annotate(FAILURES_ANNOTATION, JSON.stringify(audited));
      const [first] = denied;
      if (first !== undefined) throw deny(first, attributes);
    },
  };
}

function compile({ spec }: Policy): Compiled {
  const scope = { hasParams: spec?.paramKind !== undefined, hasAuthorizer: true };
  const variables = compileVariables(spec?.variables, scope, (_index, error) => {
    throw error;
  });
  const inner = { ...scope, variables: variables.types };
  return {
    conditions: compileConditions(spec?.matchConditions, scope),
    variables: variables.programs,
    validations: (spec?.validations ?? []).map((validation) => ({
      validation,
      check: compileExpression(validation.expression, [BOOL], inner),
      message: validation.messageExpression
        ? compileExpression(validation.messageExpression, [STRING], { ...inner, hasAuthorizer: false })
        : undefined,
    })),
    annotations: (spec?.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      program: compileExpression(valueExpression, [STRING, NULL], inner),
    })),
  };
}

interface Failure {
  readonly message: string;
  readonly reason: string | undefined;
  /** Of the validation; 0 where it is none of them. */
  readonly expressionIndex: number;
}

/** What one policy says of a write with one parameter. */
async function apply(
  { policy, form, params }: Invocation<Policy, Binding>,
  compiledOf: (policy: Policy) => Compiled,
  write: { attributes: AdmissionAttributes; context: AdmissionContext; access: AccessQuestions },
): Promise<{ decisions: Failure[]; annotations: { key: string; value: string }[] }> {
  const { attributes, context, access } = write;
  const ignores = policy.spec?.failurePolicy === 'Ignore';
  const failed = (message: string, expressionIndex = 0): Failure[] =>
    ignores ? [] : [{ message, reason: undefined, expressionIndex }];
  let compiled: Compiled;
  try {
    compiled = compiledOf(policy);
  } catch (error) {
    if (error instanceof ExpressionError) return { decisions: failed(error.message), annotations: [] };
    throw error;
  }
  const subject = await subjectOf(attributes, 'validate', form, await namespaceObjectOf(attributes, context));
  const { conditions, variables } = compiled;
  const evaluation = new Evaluation({ subject, params, access, variables, costMax: POLICY_COST_MAX });
  const { matches, error } = await conditionsHold(conditions, evaluation);
  if (error !== undefined) return { decisions: failed(error), annotations: [] };
  if (!matches) return { decisions: [], annotations: [] };
  const decisions: Failure[] = [];
  for (const [expressionIndex, { validation, check, message }] of compiled.validations.entries()) {
    const outcome = await evaluation.evaluate(check);
    if ('error' in outcome) decisions.push(...failed(outcome.error, expressionIndex));
    else if (outcome.value !== true) {
      const text = (await computedMessage(message, evaluation)) || ownMessage(validation);
      decisions.push({ message: text, reason: validation.reason ?? 'Invalid', expressionIndex });
    }
  }
  const annotations: { key: string; value: string }[] = [];
  for (const { key, program } of compiled.annotations) {
    const outcome = await evaluation.evaluate(program);
    if ('error' in outcome) decisions.push(...failed(outcome.error));
    else if (typeof outcome.value === 'string' && outcome.value.trim() !== '') {
      annotations.push({
        key: `${policy.metadata?.name ?? ''}/${key}`,
        value: outcome.value.trim().slice(0, MESSAGE_MAX_BYTES),
      });
    }
  }
  return { decisions, annotations };
}

/** '' where the expression gives nothing that can be shown. */
async function computedMessage(program: CelProgram | undefined, evaluation: Evaluation): Promise<string> {
  if (program === undefined) return '';
  const outcome = await evaluation.evaluate(program);
  if (!('value' in outcome) || typeof outcome.value !== 'string') return '';
  const text = outcome.value.trim();
  return Buffer.byteLength(text) > MESSAGE_MAX_BYTES || text.includes('\n') ? '' : text;
}

function ownMessage({ message = '', expression }: V1Validation): string {
  return message.trim() || `failed expression: ${expression.trim()}`;
}

/** Does with failures what the binding says. */
function enforce(
  { policy, binding }: Invocation<Policy, Binding>,
  decisions: readonly Failure[],
  to: { attributes: AdmissionAttributes; denied: Decision[]; audited: object[] },
): void {
  const names = { policy: policy.metadata?.name ?? '', binding: binding.metadata?.name ?? '' };
  const { validationActions = [] } = binding.spec ?? {};
  for (const { message, reason, expressionIndex } of decisions) {
    for (const action of validationActions) {
      if (action === 'Deny') to.denied.push({ policy, binding, message, reason });
      else if (action === 'Warn') {
        to.attributes.warn(
          `Validation failed for ValidatingAdmissionPolicy '${names.policy}' with binding '${names.binding}': ${message}`,
        );
      } else to.audited.push({ message, ...names, expressionIndex, validationActions });
    }
  }
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };

function deny({ policy, binding, message, reason = 'Invalid' }: Decision, attributes: AdmissionAttributes): ApiError {
  const name = policy.metadata?.name ?? '';
  const by = binding === undefined ? '' : ` with binding '${binding.metadata?.name ?? ''}'`;
  const text = `ValidatingAdmissionPolicy '${name}'${by} denied request: ${message}`;
  const { status } = refusal(attributes, text);
  return new ApiError({
    ...status,
    reason,
    code: CODES[reason] ?? 422,
    details: { ...status.details, causes: [{ message: text }] },
  });
}

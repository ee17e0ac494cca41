import { ApiError } from '../../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { listOf, toJson, type CelProgram } from '../../../../lib/cel/index.js';
import { jsonPatch, PatchError } from '../../../../lib/schema/patch/index.js';
import type {
  V1MutatingAdmissionPolicy,
  V1MutatingAdmissionPolicyBinding,
} from '../../../../lib/schema/generated/types.js';
import { cloneJson, equalJson } from '../../registry/json-values.js';
import { MergeError } from '../plugin.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, ObjectForm } from '../plugin.js';
import { refusal } from '../refusal.js';
import { AccessQuestions } from './access.js';
import {
  compileExpression,
  compileVariables,
  ExpressionError,
  JSON_PATCH_TYPE,
  OBJECT_TYPE,
} from './cel-environment.js';
import { Evaluation, subjectOf, type NamedProgram } from './evaluation.js';
import { POLICY_COST_MAX } from './limits.js';
import { compileConditions, conditionsHold } from './match-conditions.js';
import { invocationsOf, namespaceObjectOf, policyJoiner, type Invocation } from './policies.js';
import { reinvocationMemory, requireReinvocation } from './reinvocation.js';
import { isExempt } from './rules.js';

const NAME = 'MutatingAdmissionPolicy';
const GROUP = 'admissionregistration.k8s.io';
const POLICIES = { group: GROUP, plural: 'mutatingadmissionpolicies' };
const BINDINGS = { group: GROUP, plural: 'mutatingadmissionpolicybindings' };

type Policy = V1MutatingAdmissionPolicy & KubernetesObject;
type Binding = V1MutatingAdmissionPolicyBinding & KubernetesObject;
type Found = Invocation<Policy, Binding>;

interface Mutation {
  readonly kind: 'ApplyConfiguration' | 'JSONPatch';
  readonly program: CelProgram;
}

interface Compiled {
  readonly conditions: readonly NamedProgram[];
  readonly variables: readonly NamedProgram[];
  readonly mutations: readonly Mutation[];
}

/** A mutation that came to nothing, in the policy's own fault. */
class MutationError extends Error {
  readonly code = 'mutation';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MutationError';
  }
}

/** Changes to what is written, said in CEL: one policy after the other, each with what the one before has made of the object. */
export function mutatingPolicies(): AdmissionPlugin {
  const join = policyJoiner<Policy, Binding>();
  const known = new WeakMap<Policy, Compiled>();
  const compiledOf = (policy: Policy): Compiled => {
    let compiled = known.get(policy);
    if (compiled === undefined) known.set(policy, (compiled = compile(policy)));
    return compiled;
  };
  return {
    name: NAME,
    async mutate(attributes, context) {
      const policies = await context.policies.list<Policy>(POLICIES);
      // A deleted object cannot be changed.
      if (policies.length === 0 || attributes.object === undefined || isExempt(attributes)) return;
      const bound = join(policies, await context.policies.list<Binding>(BINDINGS));
      const { reinvocation } = attributes;
      const memory = reinvocationMemory(NAME, attributes);
      const access = new AccessQuestions(context.authorizer, attributes);
      let isApplied = false;
      for await (const found of invocationsOf(bound, { attributes, context, phase: 'mutate' })) {
        if (!('form' in found)) throw deny(found, found.message, attributes);
        const id = `${found.policy.metadata?.name ?? ''}/${found.binding.metadata?.name ?? ''}/${found.paramIndex}`;
        if (reinvocation.isAgain && !memory.toReinvoke.has(id)) continue;
        isApplied = true;
        if (await apply(found, compiledOf, { attributes, context, access })) {
          requireReinvocation(memory);
          reinvocation.request();
        }
        if (found.policy.spec?.reinvocationPolicy === 'IfNeeded') memory.reinvocable.add(id);
      }
      if (isApplied) memory.lastOutput = cloneJson(attributes.object);
    },
  };
}

function compile({ spec }: Policy): Compiled {
  const scope = { hasParams: spec?.paramKind !== undefined, hasAuthorizer: true };
  const variables = compileVariables(spec?.variables, scope, (_index, error) => {
    throw error;
  });
  const inner = { ...scope, variables: variables.types, makesObjects: true };
  return {
    conditions: compileConditions(spec?.matchConditions, scope),
    variables: variables.programs,
    mutations: (spec?.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch: patch }) =>
      patchType === 'JSONPatch'
        ? {
            kind: 'JSONPatch',
            program: compileExpression(patch?.expression ?? '', [listOf(JSON_PATCH_TYPE)], inner),
          }
        : {
            kind: 'ApplyConfiguration',
            program: compileExpression(applyConfiguration?.expression ?? '', [OBJECT_TYPE], inner),
          },
    ),
  };
}

/** True when the policy has changed the object. Throws an ApiError where its failure policy refuses the write. */
async function apply(
  found: Found,
  compiledOf: (policy: Policy) => Compiled,
  write: { attributes: AdmissionAttributes; context: AdmissionContext; access: AccessQuestions },
): Promise<boolean> {
  const { attributes, context, access } = write;
  const { policy, form, params } = found;
  const before = cloneJson(attributes.object);
  try {
    const { conditions, variables, mutations } = compiledOf(policy);
    const namespaceObject = await namespaceObjectOf(attributes, context);
    for (const mutation of mutations) {
      const subject = await subjectOf(attributes, 'mutate', form, namespaceObject);
      const evaluation = new Evaluation({ subject, params, access, variables, costMax: POLICY_COST_MAX });
      const { matches, error } = await conditionsHold(conditions, evaluation);
      if (error !== undefined) throw new MutationError(error);
      if (matches && subject.object !== undefined) await mutateOnce(mutation, form, subject.object, evaluation);
    }
  } catch (error) {
    if (!(error instanceof MutationError) && !(error instanceof ExpressionError)) throw error;
    if (policy.spec?.failurePolicy !== 'Ignore') throw deny(found, error.message, attributes);
  }
  return !equalJson(before, attributes.object);
}

async function mutateOnce(
  { kind, program }: Mutation,
  form: ObjectForm,
  object: KubernetesObject,
  evaluation: Evaluation,
): Promise<void> {
  const outcome = await evaluation.evaluate(program);
  if ('error' in outcome) throw new MutationError(outcome.error);
  const made = toJson(outcome.value);
  const changed = kind === 'JSONPatch' ? patched(object, made) : merged(form, object, made);
  if (changed !== undefined && !equalJson(changed, object)) await form.accept(changed);
}

/** Undefined when a `test` of the patch does not hold: then it is not meant for this object. */
function patched(object: KubernetesObject, operations: unknown): KubernetesObject | undefined {
  try {
    return jsonPatch(object as Record<string, unknown>, operations);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.code === 'TestFailed') return undefined;
    throw new MutationError(`JSON Patch: ${error.message}`, { cause: error });
  }
}

function merged(form: ObjectForm, object: KubernetesObject, part: unknown): KubernetesObject {
  try {
    return form.merge(object, part as object);
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: ${error.message}`, { cause: error });
  }
}

function deny(
  { policy, binding }: { policy: Policy; binding: Binding | undefined },
  message: string,
  attributes: AdmissionAttributes,
): ApiError {
  const name = policy.metadata?.name ?? '';
  const text =
    binding === undefined
      ? `policy '${name}' denied request: ${message}`
      : `policy '${name}' with binding '${binding.metadata?.name ?? ''}' denied request: ${message}`;
  const { status } = refusal(attributes, text);
  return new ApiError({
    ...status,
    reason: 'Invalid',
    code: 422,
    details: { ...status.details, causes: [{ message: text }] },
  });
}

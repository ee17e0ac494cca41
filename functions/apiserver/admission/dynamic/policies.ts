import { isApiError } from '../../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type { V1MatchResources, V1Namespace, V1ParamKind, V1ParamRef } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPhase, ObjectForm } from '../plugin.js';
import { policyForm } from './policy-match.js';
import { paramsOf, PolicyConfigurationError } from './policy-params.js';

/** What policies of both kinds have in common. */
export interface PolicyObject extends KubernetesObject {
  spec?: { failurePolicy?: string; paramKind?: V1ParamKind; matchConstraints?: V1MatchResources };
}

export interface BindingObject extends KubernetesObject {
  spec?: { policyName?: string; paramRef?: V1ParamRef; matchResources?: V1MatchResources };
}

/** A policy with its bindings; one that nobody binds does nothing. */
export interface BoundPolicy<P, B> {
  readonly policy: P;
  readonly bindings: readonly B[];
}

/** Remembers which bindings belong to which policy until one of both changes. */
export function policyJoiner<P extends PolicyObject, B extends BindingObject>(): (
  policies: readonly P[],
  bindings: readonly B[],
) => readonly BoundPolicy<P, B>[] {
  let last: { policies: readonly P[]; bindings: readonly B[]; joined: readonly BoundPolicy<P, B>[] } | undefined;
  return (policies, bindings) => {
    if (last?.policies === policies && last.bindings === bindings) return last.joined;
    const joined = byName(policies)
      .map((policy) => ({
        policy,
        bindings: byName(bindings.filter(({ spec }) => spec?.policyName === policy.metadata?.name)),
      }))
      .filter((one) => one.bindings.length > 0);
    last = { policies, bindings, joined };
    return joined;
  };
}

function byName<T extends KubernetesObject>(objects: readonly T[]): T[] {
  return objects.toSorted((left, right) => ((left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1));
}

/** One policy to be applied to a write, with one of the parameters of one of its bindings. */
export interface Invocation<P, B> {
  readonly policy: P;
  readonly binding: B;
  readonly form: ObjectForm;
  readonly params: KubernetesObject | undefined;
  /** Place of the parameter among those of the binding. */
  readonly paramIndex: number;
}

/** A policy that cannot be applied, in Kubernetes' words. */
export interface Misconfiguration<P, B> {
  readonly policy: P;
  /** Absent where the policy itself is at fault. */
  readonly binding: B | undefined;
  readonly message: string;
}

/** All that is to be applied to a write, in order, and what should be but cannot; policies that ignore their failures are left out of it. */
export async function* invocationsOf<P extends PolicyObject, B extends BindingObject>(
  bound: readonly BoundPolicy<P, B>[],
  write: { attributes: AdmissionAttributes; context: AdmissionContext; phase: AdmissionPhase },
): AsyncGenerator<Invocation<P, B> | Misconfiguration<P, B>> {
  const { attributes, context, phase } = write;
  for (const { policy, bindings } of bound) {
    const ignores = policy.spec?.failurePolicy === 'Ignore';
    const matched = await attempt(() => policyForm(policy.spec?.matchConstraints, attributes, context, phase));
    if ('fault' in matched) {
      if (!ignores) yield { policy, binding: undefined, message: `failed to configure policy: ${matched.fault}` };
      continue;
    }
    const form = matched.value;
    if (form === undefined) continue;
    for (const binding of bindings) {
      const params = await attempt(async () => {
        const { matchResources, paramRef } = binding.spec ?? {};
        if ((await policyForm(matchResources, attributes, context, phase)) === undefined) return [];
        return paramsOf(policy.spec?.paramKind, paramRef, attributes, context);
      });
      if ('fault' in params) {
        if (!ignores) yield { policy, binding, message: `failed to configure binding: ${params.fault}` };
        continue;
      }
      for (const [paramIndex, one] of params.value.entries()) yield { policy, binding, form, params: one, paramIndex };
    }
  }
}

async function attempt<T>(action: () => Promise<T>): Promise<{ value: T } | { fault: string }> {
  try {
    return { value: await action() };
  } catch (error) {
    if (error instanceof PolicyConfigurationError || isApiError(error)) return { fault: error.message };
    throw error;
  }
}

const NAMESPACES = { group: '', plural: 'namespaces' };

/** `namespaceObject`: the namespace an object stands in, with what expressions may see of it. A namespace stands in none. */
export async function namespaceObjectOf(
  { kind, namespace }: AdmissionAttributes,
  { policies }: AdmissionContext,
): Promise<KubernetesObject | undefined> {
  if (namespace === '' || (kind.group === '' && kind.plural === 'namespaces')) return undefined;
  const found = await policies.get<V1Namespace & KubernetesObject>(NAMESPACES, '', namespace);
  if (found === undefined) return undefined;
  const { uid, ...metadata } = found.metadata ?? {};
  return {
    metadata: { ...metadata, ...(uid === undefined ? {} : { UID: uid }) },
    spec: found.spec ?? {},
    status: { phase: found.status?.phase ?? '' },
  } as KubernetesObject;
}

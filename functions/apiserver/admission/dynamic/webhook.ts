import { forbiddenError, timeoutError } from '../../../../lib/api/errors.js';
import type { ApiError } from '../../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { randomUuid } from '../../../../lib/random.js';
import type { V1MutatingWebhook, V1ValidatingWebhook } from '../../../../lib/schema/generated/types.js';
import { WebhookCallError } from '../../webhooks/errors.js';
import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPhase, ObjectForm } from '../plugin.js';
import type { AccessQuestions } from './access.js';
import { readReview, REVIEW_VERSIONS, reviewRequest, type Verdict } from './admission-review.js';
import { CallingWebhookError, dryRunUnsupported } from './errors.js';
import { Evaluation, subjectOf, type NamedProgram } from './evaluation.js';
import { MATCH_CONDITIONS_COST_MAX, WEBHOOK_TIMEOUT_SECONDS } from './limits.js';
import { compileConditions, conditionsHold } from './match-conditions.js';
import { matchingForm } from './rules.js';
import { namespaceSelected, objectSelected } from './selectors.js';

/** One webhook of a configuration. */
export interface Webhook {
  readonly definition: V1MutatingWebhook | V1ValidatingWebhook;
  /** Unique among all. */
  readonly id: string;
  /** Compiled when they are first needed. */
  conditions(): readonly NamedProgram[];
}

/** All webhooks in the order they are called: by the name of their configuration, then as they stand in it. */
export function webhooksOf(
  configurations: readonly (KubernetesObject & { webhooks?: readonly (V1MutatingWebhook | V1ValidatingWebhook)[] })[],
): Webhook[] {
  return configurations
    .toSorted((left, right) => ((left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1))
    .flatMap(({ metadata, webhooks = [] }) =>
      webhooks.map((definition, index) => {
        const earlier = webhooks.slice(0, index).filter(({ name }) => name === definition.name).length;
        let conditions: readonly NamedProgram[] | undefined;
        return {
          definition,
          id: `${metadata?.name ?? ''}/${definition.name}/${earlier}`,
          conditions: () => (conditions ??= compileConditions(definition.matchConditions, { hasAuthorizer: true })),
        };
      }),
    );
}

/** The form in which a webhook wants to see a write; undefined when it is not to be called. Throws an ApiError where that cannot be told. */
export async function relevantForm(
  webhook: Webhook,
  write: { attributes: AdmissionAttributes; context: AdmissionContext; phase: AdmissionPhase; access: AccessQuestions },
): Promise<ObjectForm | undefined> {
  const { definition } = webhook;
  const { attributes, context } = write;
  const form = matchingForm(definition.rules, definition.matchPolicy, attributes);
  if (form === undefined || !objectSelected(definition.objectSelector, attributes)) return undefined;
  if (!(await namespaceSelected(definition.namespaceSelector, attributes, context))) return undefined;
  return (await meetsConditions(webhook, form, write)) ? form : undefined;
}

async function meetsConditions(
  webhook: Webhook,
  form: ObjectForm,
  { attributes, phase, access }: { attributes: AdmissionAttributes; phase: AdmissionPhase; access: AccessQuestions },
): Promise<boolean> {
  if ((webhook.definition.matchConditions ?? []).length === 0) return true;
  const conditions = webhook.conditions();
  const subject = await subjectOf(attributes, phase, form, undefined);
  const evaluation = new Evaluation({ subject, params: undefined, access, costMax: MATCH_CONDITIONS_COST_MAX });
  const { matches, error } = await conditionsHold(conditions, evaluation);
  if (error === undefined) return matches;
  if (webhook.definition.failurePolicy === 'Ignore') return false;
  const { group, resource } = attributes.request.form;
  throw forbiddenError({ group, resource }, attributes.request.name(phase), error);
}

/** Asks a webhook. Throws a `CallingWebhookError` when it fails, and an ApiError where it must not be asked at all. */
export async function askWebhook(
  caller: WebhookCaller,
  webhook: Webhook,
  call: {
    attributes: AdmissionAttributes;
    context: AdmissionContext;
    phase: AdmissionPhase;
    form: ObjectForm;
    object: KubernetesObject | undefined;
    oldObject: KubernetesObject | undefined;
  },
): Promise<Verdict> {
  const { name, clientConfig, sideEffects, admissionReviewVersions, timeoutSeconds } = webhook.definition;
  const { attributes, context, phase } = call;
  if (attributes.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') throw dryRunUnsupported(name);
  const version = admissionReviewVersions.find((one) => REVIEW_VERSIONS.includes(one));
  if (version === undefined) {
    throw new CallingWebhookError(name, 'webhook does not accept known AdmissionReview versions (v1, v1beta1)');
  }
  const uid = randomUuid(context.random);
  const leftMs = attributes.request.deadlineMs - context.clock.now();
  if (leftMs <= 0) throw outOfTime();
  const timeoutMs = Math.min((timeoutSeconds ?? WEBHOOK_TIMEOUT_SECONDS) * 1_000, leftMs);
  let answer: KubernetesObject;
  try {
    const review = reviewRequest({ ...call, version, uid });
    answer = await caller.post(clientConfig, { review, timeoutMs, signal: attributes.request.signal });
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    const reason = error.code === 'misconfigured' ? 'could not get REST client' : 'failed to call webhook';
    throw new CallingWebhookError(name, `${reason}: ${error.message}`, { cause: error });
  }
  const verdict = readReview(answer, { version, uid, mutating: phase === 'mutate' });
  if ('fault' in verdict) throw new CallingWebhookError(name, `received invalid webhook response: ${verdict.fault}`);
  for (const warning of verdict.warnings) attributes.warn(warning);
  for (const [key, value] of verdict.annotations) attributes.annotate(`${name}/${key}`, value);
  return verdict;
}

/** A failed webhook that may be ignored, with the request still having time. */
export function mayIgnore(
  error: unknown,
  { definition }: Webhook,
  attributes: AdmissionAttributes,
  { clock }: AdmissionContext,
): boolean {
  if (!(error instanceof CallingWebhookError) || definition.failurePolicy !== 'Ignore') return false;
  if (attributes.request.signal.aborted || clock.now() >= attributes.request.deadlineMs) throw outOfTime();
  return true;
}

function outOfTime(): ApiError {
  return timeoutError('request did not complete within requested timeout');
}

import { internalError } from '../../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { SyntaxFault } from '../../../../lib/json/errors.js';
import { parseJson } from '../../../../lib/json/parse.js';
import { jsonPatch, PatchError } from '../../../../lib/schema/patch/index.js';
import type { V1MutatingWebhookConfiguration } from '../../../../lib/schema/generated/types.js';
import { cloneJson, equalJson } from '../../registry/json-values.js';
import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, ObjectForm } from '../plugin.js';
import { AccessQuestions } from './access.js';
import { CallingWebhookError, deniedByWebhook } from './errors.js';
import { reinvocationMemory, requireReinvocation } from './reinvocation.js';
import { isExempt } from './rules.js';
import { askWebhook, mayIgnore, relevantForm, webhooksOf, type Webhook } from './webhook.js';

const NAME = 'MutatingAdmissionWebhook';
const CONFIGURATIONS = { group: 'admissionregistration.k8s.io', plural: 'mutatingwebhookconfigurations' };

/** Calls mutating webhooks one after the other, each with what the one before has made of the object. */
export function mutatingWebhooks(caller: WebhookCaller): AdmissionPlugin {
  const known = new WeakMap<readonly object[], Webhook[]>();
  return {
    name: NAME,
    async mutate(attributes, context) {
      const configurations = await context.policies.list<V1MutatingWebhookConfiguration & KubernetesObject>(
        CONFIGURATIONS,
      );
      if (configurations.length === 0 || isExempt(attributes)) return;
      let webhooks = known.get(configurations);
      if (webhooks === undefined) known.set(configurations, (webhooks = webhooksOf(configurations)));
      const access = new AccessQuestions(context.authorizer, attributes);
      const { reinvocation } = attributes;
      const memory = reinvocationMemory(NAME, attributes);
      let isCalled = false;
      for (const webhook of webhooks) {
        const form = await relevantForm(webhook, { attributes, context, phase: 'mutate', access });
        // What was not called in the first round is not called in the second.
        if (form === undefined || (reinvocation.isAgain && !memory.toReinvoke.has(webhook.id))) continue;
        isCalled = true;
        if (await callOne(caller, webhook, { attributes, context, form })) {
          requireReinvocation(memory);
          reinvocation.request();
        }
        if ((webhook.definition as { reinvocationPolicy?: string }).reinvocationPolicy === 'IfNeeded') {
          memory.reinvocable.add(webhook.id);
        }
      }
      if (isCalled) memory.lastOutput = cloneJson(attributes.object);
    },
  };
}

/** True when the webhook has changed the object. Throws ApiErrors. */
async function callOne(
  caller: WebhookCaller,
  webhook: Webhook,
  call: { attributes: AdmissionAttributes; context: AdmissionContext; form: ObjectForm },
): Promise<boolean> {
  const { attributes, context, form } = call;
  const object = await form.object('mutate');
  const oldObject = await form.oldObject();
  const { name } = webhook.definition;
  try {
    const verdict = await askWebhook(caller, webhook, { ...call, phase: 'mutate', object, oldObject });
    if (!verdict.allowed) throw deniedByWebhook(name, verdict.result);
    if (verdict.patch === undefined) return false;
    const patched = applyPatch(verdict.patch, object, name);
    if (patched === undefined || equalJson(patched, object)) return false;
    await form.accept(patched);
    return true;
  } catch (error) {
    if (mayIgnore(error, webhook, attributes, context)) return false;
    if (error instanceof CallingWebhookError) throw internalError(error.message, error);
    throw error;
  }
}

/** Undefined for a patch that has no operations. */
function applyPatch(text: string, object: KubernetesObject | undefined, webhook: string): KubernetesObject | undefined {
  let operations: unknown;
  try {
    operations = parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxFault) throw internalError(error.message, error);
    throw error;
  }
  if (Array.isArray(operations) && operations.length === 0) return undefined;
  if (object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  try {
    return jsonPatch(object as Record<string, unknown>, operations);
  } catch (error) {
    if (error instanceof PatchError) throw internalError(error.message, error);
    throw error;
  }
}

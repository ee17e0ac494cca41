import { internalError } from '../../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type { V1ValidatingWebhookConfiguration } from '../../../../lib/schema/generated/types.js';
import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin, ObjectForm } from '../plugin.js';
import { AccessQuestions } from './access.js';
import { CallingWebhookError, deniedByWebhook } from './errors.js';
import { isExempt } from './rules.js';
import { askWebhook, mayIgnore, relevantForm, webhooksOf, type Webhook } from './webhook.js';

const CONFIGURATIONS = { group: 'admissionregistration.k8s.io', plural: 'validatingwebhookconfigurations' };

/** Calls validating webhooks, all at once: each sees the object as it will be stored. */
export function validatingWebhooks(caller: WebhookCaller): AdmissionPlugin {
  const known = new WeakMap<readonly object[], Webhook[]>();
  return {
    name: 'ValidatingAdmissionWebhook',
    async validate(attributes, context) {
      const configurations = await context.policies.list<V1ValidatingWebhookConfiguration & KubernetesObject>(
        CONFIGURATIONS,
      );
      if (configurations.length === 0 || isExempt(attributes)) return;
      let webhooks = known.get(configurations);
      if (webhooks === undefined) known.set(configurations, (webhooks = webhooksOf(configurations)));
      const access = new AccessQuestions(context.authorizer, attributes);
      const relevant: { webhook: Webhook; form: ObjectForm }[] = [];
      for (const webhook of webhooks) {
        const form = await relevantForm(webhook, { attributes, context, phase: 'validate', access });
        if (form !== undefined) relevant.push({ webhook, form });
      }
      const refusals = await Promise.all(
        relevant.map(({ webhook, form }) => callOne(caller, webhook, { attributes, context, form })),
      );
      const first = refusals.find((one) => one !== undefined);
      if (first !== undefined) throw first.error;
    },
  };
}

/** Why the request must not go on, so that all webhooks are waited for. */
async function callOne(
  caller: WebhookCaller,
  webhook: Webhook,
  call: { attributes: AdmissionAttributes; context: AdmissionContext; form: ObjectForm },
): Promise<{ error: unknown } | undefined> {
  const { attributes, context, form } = call;
  try {
    const object = await form.object('validate');
    const oldObject = await form.oldObject();
    const verdict = await askWebhook(caller, webhook, { ...call, phase: 'validate', object, oldObject });
    return verdict.allowed ? undefined : { error: deniedByWebhook(webhook.definition.name, verdict.result) };
  } catch (error) {
    try {
      if (mayIgnore(error, webhook, attributes, context)) return undefined;
    } catch (late) {
      return { error: late };
    }
    return { error: error instanceof CallingWebhookError ? internalError(error.message, error) : error };
  }
}

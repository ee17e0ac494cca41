import { forbidden, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1MutatingWebhook, V1ValidatingWebhook } from '../../../../lib/schema/generated/types.js';

const CALL_SECONDS = 10;
const HTTPS_PORT = 443;

/** What webhooks of both kinds leave out. */
export function defaultWebhook(webhook: V1MutatingWebhook | V1ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= CALL_SECONDS;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  const service = webhook.clientConfig?.service;
  if (service !== undefined) service.port ??= HTTPS_PORT;
}

/** A webhook that is accepted but never called would break the promise it was installed for, so none is accepted. */
export function webhookErrors(webhooks: readonly unknown[] | undefined): FieldError[] {
  return (webhooks ?? []).length === 0
    ? []
    : [
        forbidden(
          'webhooks',
          'admission webhooks are not served yet: nothing would call them, so that requests they should change or refuse would pass. Install without webhooks (most charts have a value for it)',
        ),
      ];
}

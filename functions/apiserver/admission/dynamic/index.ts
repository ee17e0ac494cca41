import type { Authorizer } from '../../auth/auth.js';
import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { AdmissionPlugin } from '../plugin.js';
import { mutatingWebhooks } from './mutating-webhooks.js';
import { validatingWebhooks } from './validating-webhooks.js';

export interface DynamicAdmissionParts {
  readonly webhooks: WebhookCaller;
  readonly authorizer: Authorizer;
}

/** What users configure with objects of admissionregistration.k8s.io, in the order kube-apiserver runs it. */
export function dynamicAdmission(parts: DynamicAdmissionParts): AdmissionPlugin[] {
  return [mutatingWebhooks(parts.webhooks, parts.authorizer), validatingWebhooks(parts.webhooks, parts.authorizer)];
}

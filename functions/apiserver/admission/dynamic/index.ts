import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { Log } from '../../registry/context.js';
import type { AdmissionPlugin } from '../plugin.js';
import { mutatingPolicies } from './mutating-policies.js';
import { mutatingWebhooks } from './mutating-webhooks.js';
import { validatingPolicies } from './validating-policies.js';
import { validatingWebhooks } from './validating-webhooks.js';

export interface DynamicAdmissionParts {
  readonly webhooks: WebhookCaller;
  readonly log: Log;
}

/** What users configure with objects of admissionregistration.k8s.io, in the order kube-apiserver runs it. */
export function dynamicAdmission({ webhooks, log }: DynamicAdmissionParts): AdmissionPlugin[] {
  return [mutatingPolicies(), mutatingWebhooks(webhooks), validatingPolicies(log), validatingWebhooks(webhooks)];
}

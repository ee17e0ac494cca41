import type { V1MutatingWebhookConfiguration } from '../../../../lib/schema/generated/types.js';
import { expressions } from './expressions.js';
import { defaultWebhook, webhookErrors } from './webhooks.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const mutatingWebhookConfiguration = defineKind<V1MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration',
  categories: ['api-extensions'],
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  load: expressions.load,
  defaults({ webhooks }) {
    for (const webhook of webhooks ?? []) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  validate: ({ webhooks }) => webhookErrors(webhooks),
  columns: [
    {
      name: 'Webhooks',
      type: 'integer',
      description: 'Webhooks indicates the number of webhooks registered in this configuration',
      cell: (object) => object.webhooks?.length ?? 0,
    },
    AGE,
  ],
});

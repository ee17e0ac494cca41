import type { V1ValidatingWebhookConfiguration } from '../../../../lib/schema/generated/types.js';
import { expressions } from './expressions.js';
import { defaultWebhook, webhookErrors } from './webhooks.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const validatingWebhookConfiguration = defineKind<V1ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  namespaced: false,
  definition: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  categories: ['api-extensions'],
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  load: expressions.load,
  defaults({ webhooks }) {
    for (const webhook of webhooks ?? []) defaultWebhook(webhook);
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

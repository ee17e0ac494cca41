import type { V1NetworkPolicy } from '../../../../lib/schema/generated/types.js';
import { networkPolicyErrors } from './network-policy-rules.js';
import { defineKind } from '../kind.js';
import { AGE, formatLabelSelector } from '../shared/columns.js';

export const networkPolicy = defineKind<V1NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  namespaced: true,
  definition: 'io.k8s.api.networking.v1.NetworkPolicy',
  shortNames: ['netpol'],
  hasGeneration: true,
  inert: true,
  defaults({ spec }) {
    if (spec === undefined) return;
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    }
    if ((spec.policyTypes ?? []).length === 0) {
      spec.policyTypes = (spec.egress ?? []).length === 0 ? ['Ingress'] : ['Ingress', 'Egress'];
    }
  },
  validate: ({ spec }) => (spec === undefined ? [] : networkPolicyErrors(spec)),
  columns: [
    {
      name: 'Pod-Selector',
      type: 'string',
      description: 'Pods the policy applies to.',
      cell: (object) => formatLabelSelector(object.spec?.podSelector),
    },
    AGE,
  ],
});

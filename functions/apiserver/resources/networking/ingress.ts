import type { V1Ingress } from '../../../../lib/schema/generated/types.js';
import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';

import { ingressSpecErrors, loadBalancerErrors } from './ingress-rules.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const CELL_HOSTS_MAX = 3;

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

export const ingress = defineKind<V1Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  namespaced: true,
  definition: 'io.k8s.api.networking.v1.Ingress',
  shortNames: ['ing'],
  hasStatus: true,
  hasGeneration: true,
  inert: true,
  validate: ({ spec }) => ingressSpecErrors(spec ?? {}),
  validateCreate: (object) => classErrors(object),
  validateStatusUpdate: ({ status }) => loadBalancerErrors(status?.loadBalancer?.ingress ?? []),
  warnings: ({ metadata }, old) =>
    old === undefined && metadata?.annotations?.[CLASS_ANNOTATION] !== undefined
      ? [`annotation ${JSON.stringify(CLASS_ANNOTATION)} is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    {
      name: 'Class',
      type: 'string',
      description: 'The name of the IngressClass resource that should be used for additional configuration',
      cell: (object) => object.spec?.ingressClassName ?? '<none>',
    },
    {
      name: 'Hosts',
      type: 'string',
      description: 'Hosts that incoming requests are matched against before the ingress rule',
      cell: (object) => hosts(object),
    },
    {
      name: 'Address',
      type: 'string',
      description: 'Address is a list containing ingress points for the load-balancer',
      cell: (object) => addresses(object),
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'Ports of TLS configurations that open',
      cell: (object) => ((object.spec?.tls ?? []).length > 0 ? '80, 443' : '80'),
    },
    AGE,
  ],
});

/** The first hosts named; rules without one count among the `more` but are not shown. */
function hosts(object: V1Ingress): string {
  const rules = object.spec?.rules ?? [];
  const shown: string[] = [];
  for (const rule of rules) {
    if (shown.length === CELL_HOSTS_MAX) return `${shown.join(',')} + ${rules.length - CELL_HOSTS_MAX} more...`;
    if (rule.host) shown.push(rule.host);
  }
  return shown.join(',') || '*';
}

function addresses(object: V1Ingress): string {
  const points = object.status?.loadBalancer?.ingress ?? [];
  const texts = points.map((point) => point.ip || point.hostname || '').filter((text) => text !== '');
  return [...new Set(texts)].toSorted().join(',');
}

function classErrors({ metadata, spec }: V1Ingress): FieldError[] {
  const annotated = metadata?.annotations?.[CLASS_ANNOTATION];
  const named = spec?.ingressClassName;
  return annotated === undefined || named === undefined || annotated === named
    ? []
    : [invalid(`annotations.${CLASS_ANNOTATION}`, annotated, 'must match `ingressClassName` when both are specified')];
}

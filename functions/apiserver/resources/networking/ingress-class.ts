import type { V1IngressClass } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE, nameWithDefault } from '../shared/columns.js';

const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

export const ingressClass = defineKind<V1IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  definition: 'io.k8s.api.networking.v1.IngressClass',
  hasGeneration: true,
  inert: true,
  columns: [
    nameWithDefault(DEFAULT_ANNOTATION),
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller that is responsible for handling this class',
      cell: (object) => object.spec?.controller ?? '',
    },
    {
      name: 'Parameters',
      type: 'string',
      description: 'A reference to a resource with additional parameters',
      cell: (object) => parameters(object),
    },
    AGE,
  ],
});

function parameters(object: V1IngressClass): string {
  const reference = object.spec?.parameters;
  if (reference === undefined) return '<none>';
  const kind = reference.apiGroup === undefined ? reference.kind : `${reference.kind}.${reference.apiGroup}`;
  return `${kind}/${reference.name}`;
}

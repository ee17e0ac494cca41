import type { V1IngressClass, V1IngressClassParametersReference } from '../../../../lib/schema/generated/types.js';
import { forbidden, notSupported, required, tooLong, type FieldError } from '../../../../lib/api/field-errors.js';

import { isPathSegmentName } from '../../../../lib/api/names.js';
import { domainPrefixedPathErrors } from '../shared/domain-prefixed-path.js';
import { formatErrors, isDns1123Label, isDns1123Subdomain } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { defineKind } from '../kind.js';
import { AGE, nameWithDefault } from '../shared/columns.js';

const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

const CONTROLLER_BYTES_MAX = 250;

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
  defaults({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  validate: ({ spec }) => [
    ...controllerErrors(spec?.controller ?? ''),
    ...(spec?.parameters === undefined ? [] : parametersErrors(spec.parameters)),
  ],
  validateUpdate: (object, old) => immutableErrors('spec.controller', object.spec?.controller, old.spec?.controller),
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

function controllerErrors(controller: string): FieldError[] {
  return [
    ...(Buffer.byteLength(controller) > CONTROLLER_BYTES_MAX ? [tooLong('spec.controller', CONTROLLER_BYTES_MAX)] : []),
    ...domainPrefixedPathErrors('spec.controller', controller),
  ];
}

function parametersErrors({ apiGroup, kind, name, scope, namespace }: V1IngressClassParametersReference): FieldError[] {
  const path = 'spec.parameters';
  return [
    ...(apiGroup === undefined ? [] : formatErrors(`${path}.apiGroup`, apiGroup, isDns1123Subdomain)),
    ...requiredFormatErrors(`${path}.kind`, kind, isPathSegmentName),
    ...requiredFormatErrors(`${path}.name`, name, isPathSegmentName),
    ...scopeErrors(scope, namespace, path),
  ];
}

function scopeErrors(scope: string | undefined, namespace: string | undefined, path: string): FieldError[] {
  switch (scope) {
    case undefined:
      return [required(`${path}.scope`)];
    case 'Cluster':
      return namespace === undefined ? [] : [forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")];
    case 'Namespace':
      return namespace === undefined
        ? [required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'")]
        : formatErrors(`${path}.namespace`, namespace, isDns1123Label);
    default:
      return [notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])];
  }
}

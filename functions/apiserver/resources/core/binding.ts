import { notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Binding } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const binding = defineKind<V1Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  singular: 'binding',
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Binding',
  verbs: ['create'],
  validate: validateBinding,
});

/** A pod is bound to a node, which has a name. */
export function validateBinding(object: V1Binding): FieldError[] {
  const { kind = '', name = '' } = object.target ?? {};
  const errors: FieldError[] = [];
  if (kind !== '' && kind !== 'Node') errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
  if (name === '') errors.push(required('target.name'));
  return errors;
}

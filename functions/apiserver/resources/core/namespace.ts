import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Namespace } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { formatErrors, isDns1123Label, isQualifiedName, nameAs } from '../shared/formats.js';

const NAME_LABEL = 'kubernetes.io/metadata.name';
const FINALIZER = 'kubernetes';
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set([FINALIZER, 'orphan', 'foregroundDeletion']);

export const namespace = defineKind<V1Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.Namespace',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  hasStatus: true,
  subresources: [{ name: 'finalize', verbs: ['update'] }],
  validateName: nameAs(isDns1123Label),
  returnsDeletedObject: true,
  holdsDeletion: (object) => (object.spec?.finalizers ?? []).length > 0,
  defaults: labelWithName,
  prepareForCreate(object) {
    labelWithName(object);
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    if (!finalizers.includes(FINALIZER)) object.spec = { ...object.spec, finalizers: [...finalizers, FINALIZER] };
  },
  prepareForUpdate(object, old, context) {
    if (context.subresource === 'finalize') return;
    if (old.spec === undefined) delete object.spec;
    else object.spec = { ...old.spec };
  },
  prepareForDelete(object) {
    object.status = { ...object.status, phase: 'Terminating' };
  },
  validate(object, context) {
    return (object.spec?.finalizers ?? []).flatMap((name, index) =>
      finalizerErrors(context.subresource === 'finalize' ? `spec.finalizers[${index}]` : 'spec.finalizers', name),
    );
  },
  validateStatusUpdate(object) {
    const phase = object.status?.phase ?? '';
    const deleted = object.metadata?.deletionTimestamp !== undefined;
    if (!deleted && phase !== 'Active') {
      return [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    }
    return deleted && phase !== 'Terminating'
      ? [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
      : [];
  },
  columns: [
    {
      name: 'Status',
      type: 'string',
      description: 'The status of the namespace',
      cell: (object) => object.status?.phase ?? '',
    },
    AGE,
  ],
  fieldLabels: {
    'status.phase': (object) => object.status?.phase ?? '',
    name: (object) => object.metadata?.name ?? '',
  },
});

/** Every namespace can be selected by its name. */
function labelWithName(object: V1Namespace): void {
  const name = object.metadata?.name ?? '';
  if (name === '' || object.metadata === undefined) return;
  (object.metadata.labels ??= {})[NAME_LABEL] = name;
}

function finalizerErrors(field: string, name: string): FieldError[] {
  const errors = formatErrors(field, name, isQualifiedName);
  if (!name.includes('/') && !STANDARD_FINALIZERS.has(name)) {
    errors.push(invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified'));
  }
  return errors;
}

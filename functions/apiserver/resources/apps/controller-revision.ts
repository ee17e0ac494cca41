import type { V1ControllerRevision } from '../../../../lib/schema/generated/types.js';
import { parseApiVersion } from '../../../../lib/api/meta.js';
import { required, type FieldError } from '../../../../lib/api/field-errors.js';
import { nonNegativeErrors } from '../shared/formats.js';
import { immutableErrors } from '../shared/immutable.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

export const controllerRevision = defineKind<V1ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  definition: 'io.k8s.api.apps.v1.ControllerRevision',
  validate: (object) => [...nonNegativeErrors('revision', object.revision), ...dataErrors(object.data)],
  validateUpdate: (object, old) => immutableErrors('data', object.data, old.data),
  columns: [
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller of the object.',
      cell: (object) => controllerName(object),
    },
    { name: 'Revision', type: 'string', description: 'Revision of the state.', cell: (object) => object.revision },
    AGE,
  ],
});

/** `statefulset.apps/web` */
function controllerName(object: V1ControllerRevision): string {
  const controller = object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
  if (controller === undefined) return '<none>';
  const { group } = parseApiVersion(controller.apiVersion);
  const kind = group === '' ? controller.kind : `${controller.kind}.${group}`;
  return `${kind.toLowerCase()}/${controller.name}`;
}

function dataErrors(data: unknown): FieldError[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')];
  return typeof data === 'object' && !Array.isArray(data) ? [] : [required('data', 'data must be a valid JSON object')];
}

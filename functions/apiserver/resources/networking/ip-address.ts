import type { V1IPAddress } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';

export const ipAddress = defineKind<V1IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  namespaced: false,
  definition: 'io.k8s.api.networking.v1.IPAddress',
  shortNames: ['ip'],
  columns: [
    {
      name: 'ParentRef',
      type: 'string',
      description: 'The resource that uses the address.',
      cell: (object) => parent(object),
    },
  ],
});

/** `services/default/web` */
function parent(object: V1IPAddress): string {
  const reference = object.spec?.parentRef;
  if (reference === undefined) return '<none>';
  const { group, resource, namespace, name } = reference;
  const qualified = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [qualified, ...(namespace ? [namespace] : []), name].join('/');
}

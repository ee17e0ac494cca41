import type { V1EndpointSlice } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE, listWithMore } from '../shared/columns.js';

const CELL_ITEMS_MAX = 3;

export const endpointSlice = defineKind<V1EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  definition: 'io.k8s.api.discovery.v1.EndpointSlice',
  hasGeneration: true,
  columns: [
    {
      name: 'AddressType',
      type: 'string',
      description: 'Type of the addresses in the slice.',
      cell: (object) => object.addressType,
    },
    { name: 'Ports', type: 'string', description: 'Ports of every endpoint.', cell: (object) => ports(object) },
    {
      name: 'Endpoints',
      type: 'string',
      description: 'Addresses of the endpoints.',
      cell: (object) =>
        listWithMore(
          (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses),
          CELL_ITEMS_MAX,
        ),
    },
    AGE,
  ],
});

function ports(object: V1EndpointSlice): string {
  const texts = (object.ports ?? []).map((port) => String(port.port ?? port.name ?? '*'));
  return listWithMore(texts, CELL_ITEMS_MAX);
}

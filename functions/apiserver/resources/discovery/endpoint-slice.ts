import type { V1EndpointSlice } from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { endpointSliceErrors } from './endpoint-slice-rules.js';
import { semanticallyEqual } from '../shared/equality.js';
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
  defaults(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate: (object) => dropDeprecatedTopology(object),
  prepareForUpdate(object, old) {
    dropDeprecatedTopology(object);
    // Consumers select slices by label, so that other labels mean another slice to them.
    const { metadata } = object;
    if (metadata?.generation === undefined || metadata.generation !== old.metadata?.generation) return;
    if (!semanticallyEqual(metadata.labels, old.metadata.labels)) metadata.generation += 1;
  },
  validate: (object) => endpointSliceErrors(object),
  validateUpdate: (object, old) => immutableErrors('addressType', object.addressType, old.addressType),
  warnings: ({ addressType }, old) =>
    old === undefined && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [],
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

/** A field of v1beta1 that v1 has but does not take. */
function dropDeprecatedTopology(object: V1EndpointSlice): void {
  for (const endpoint of object.endpoints ?? []) delete endpoint.deprecatedTopology;
}

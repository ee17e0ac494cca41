import type { V1Service } from '../../../../../lib/schema/generated/types.js';
import type { Column } from '../../kind.js';
import { AGE, formatLabels } from '../../shared/columns.js';

const NONE = '<none>';

export const serviceColumns: readonly Column<V1Service>[] = [
  { name: 'Type', type: 'string', description: 'How the Service is exposed.', cell: ({ spec }) => spec?.type ?? '' },
  {
    name: 'Cluster-IP',
    type: 'string',
    description: 'Address of the Service within the cluster.',
    cell: ({ spec }) => spec?.clusterIPs?.[0] ?? NONE,
  },
  {
    name: 'External-IP',
    type: 'string',
    description: 'Addresses of the Service outside the cluster.',
    cell: externalAddresses,
  },
  {
    name: 'Port(s)',
    type: 'string',
    description: 'Ports of the Service, with their node ports.',
    cell: ({ spec }) =>
      (spec?.ports ?? [])
        .map(({ port, nodePort = 0, protocol }) =>
          nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
        )
        .join(',') || NONE,
  },
  AGE as Column<V1Service>,
  {
    name: 'Selector',
    type: 'string',
    priority: 1,
    description: 'Labels of the pods behind the Service.',
    cell: ({ spec }) => formatLabels(spec?.selector),
  },
];

function externalAddresses({ spec = {}, status = {} }: V1Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || NONE;
    case 'LoadBalancer': {
      const balancer = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || (hostname ?? ''));
      const addresses = [...new Set(balancer.filter((address) => address !== ''))].toSorted();
      return [...addresses, ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

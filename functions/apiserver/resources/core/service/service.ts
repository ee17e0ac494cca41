import type { V1Service } from '../../../../../lib/schema/generated/types.js';
import { defineKind } from '../../kind.js';
import { isDns1123Label, nameAs } from '../../shared/formats.js';
import { PROXY_SUBRESOURCE } from '../../shared/subresources.js';
import { validateServiceUpdate } from './cluster-ips.js';
import { serviceColumns } from './columns.js';
import { defaultService, prepareService, prepareServiceUpdate } from './prepare.js';
import { validateService, validateServiceStatus } from './validate.js';

export const service = defineKind<V1Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Service',
  hasStatus: true,
  allowCreateOnUpdate: true,
  subresources: [PROXY_SUBRESOURCE],
  returnsDeletedObject: true,
  validateName: nameAs(isDns1123Label),
  defaults: defaultService,
  prepareForCreate: prepareService,
  prepareForUpdate: prepareServiceUpdate,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateServiceStatus,
  warnings({ spec = {} }) {
    const warnings: string[] = [];
    const headlessAlias = spec.type === 'ExternalName' && (spec.externalIPs ?? []).length > 0;
    if (headlessAlias) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
    if (spec.clusterIP === 'None' && (spec.loadBalancerIP ?? '') !== '') {
      warnings.push('spec.loadBalancerIP is ignored for headless services');
    }
    if (spec.clusterIP === 'None' && spec.sessionAffinity !== 'None') {
      warnings.push('spec.SessionAffinity is ignored for headless services');
    }
    if (spec.trafficDistribution === 'PreferClose') {
      warnings.push('spec.trafficDistribution: "PreferClose" is deprecated in favor of "PreferSameZone"');
    }
    return warnings;
  },
  columns: serviceColumns,
  fieldLabels: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
});

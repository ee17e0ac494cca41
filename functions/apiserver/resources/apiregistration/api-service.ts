import type {
  ApiregistrationV1ServiceReference,
  V1APIService,
  V1APIServiceSpec,
} from '../../../../lib/schema/generated/types.js';
import { invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';

import { isPathSegmentName } from '../../../../lib/api/names.js';
import { formatTime } from '../../../../lib/clock/clock.js';
import { formatErrors, isDns1035Label, isDns1123Subdomain, isPortNumber } from '../shared/formats.js';
import { oneOfErrors } from '../shared/one-of.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;

export const apiService = defineKind<V1APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  namespaced: false,
  definition: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  categories: ['api-extensions'],
  hasStatus: true,
  allowUnconditionalUpdate: false,
  // `v1.` is the core group's: only the rules below say what a name must be.
  validateName: isPathSegmentName,
  defaults({ spec }) {
    if (spec?.service !== undefined) spec.service.port ??= 443;
  },
  prepareForCreate(object, { clock }) {
    if (object.spec === undefined || object.spec.service !== undefined) return;
    const condition = {
      type: 'Available',
      status: 'True',
      reason: 'Local',
      message: 'Local APIServices are always available',
      lastTransitionTime: formatTime(clock.now()),
    };
    object.status = { conditions: [condition] };
  },
  validate: ({ metadata, spec }) =>
    spec === undefined ? [] : [...nameErrors(metadata?.name ?? '', spec), ...specErrors(spec)],
  validateStatusUpdate: ({ status }) =>
    (status?.conditions ?? []).flatMap((condition, index) =>
      oneOfErrors(`status.conditions[${index}].status`, condition.status, ['True', 'False', 'Unknown']),
    ),
  columns: [
    {
      name: 'Service',
      type: 'string',
      description: 'The reference to the service that hosts this API endpoint.',
      cell: (object) =>
        object.spec?.service == null ? 'Local' : `${object.spec.service.namespace}/${object.spec.service.name}`,
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Whether this service is available.',
      cell: (object) => availability(object),
    },
    AGE,
  ],
});

function availability(object: V1APIService): string {
  const condition = object.status?.conditions?.find((one) => one.type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status !== 'True' && condition.reason
    ? `${condition.status} (${condition.reason})`
    : condition.status;
}

function nameErrors(name: string, { group = '', version = '' }: V1APIServiceSpec): FieldError[] {
  const expected = `${version}.${group}`;
  return name === expected
    ? []
    : [invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`)];
}

function specErrors(spec: V1APIServiceSpec): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum, versionPriority } = spec;
  return [
    ...(group === '' && version !== 'v1'
      ? [required('spec.group', 'only v1 may have an empty group and it better be legacy kube')]
      : []),
    ...(group === '' ? [] : formatErrors('spec.group', group, isDns1123Subdomain)),
    ...formatErrors('spec.version', version, isDns1035Label),
    ...(groupPriorityMinimum <= 0 || groupPriorityMinimum > GROUP_PRIORITY_MAX
      ? [invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000')]
      : []),
    ...(versionPriority <= 0 || versionPriority > VERSION_PRIORITY_MAX
      ? [invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000')]
      : []),
    ...(spec.service === undefined ? localErrors(spec) : serviceErrors(spec.service, spec)),
  ];
}

/** Served by this server itself: there is no connection to secure. */
function localErrors({ caBundle = '', insecureSkipTLSVerify = false }: V1APIServiceSpec): FieldError[] {
  return [
    ...(caBundle === ''
      ? []
      : [
          invalid(
            'spec.caBundle',
            `${Buffer.from(caBundle, 'base64').byteLength} bytes`,
            'local APIServices may not have a caBundle',
          ),
        ]),
    ...(insecureSkipTLSVerify
      ? [invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify')]
      : []),
  ];
}

function serviceErrors(
  { namespace, name, port = 0 }: ApiregistrationV1ServiceReference,
  { caBundle = '', insecureSkipTLSVerify = false }: V1APIServiceSpec,
): FieldError[] {
  const portFaults = isPortNumber(port);
  return [
    ...(namespace ? [] : [required('spec.service.namespace')]),
    ...(name ? [] : [required('spec.service.name')]),
    ...(portFaults.length === 0
      ? []
      : [invalid('spec.service.port', port, `port is not valid: ${portFaults.join(', ')}`)]),
    ...(insecureSkipTLSVerify && caBundle !== ''
      ? [invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')]
      : []),
  ];
}

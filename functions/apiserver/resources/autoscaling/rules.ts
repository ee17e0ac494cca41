import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import { parseApiVersion } from '../../../../lib/api/meta.js';
import type {
  V2CrossVersionObjectReference,
  V2HPAScalingPolicy,
  V2HPAScalingRules,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
} from '../../../../lib/schema/generated/types.js';
import { oneOfErrors } from '../shared/one-of.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { nonNegativeQuantityErrors } from '../shared/resources.js';
import { metricErrors } from './metric-rules.js';

const PERIOD_SECONDS_MAX = 1800;
const STABILIZATION_SECONDS_MAX = 3600;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const POLICY_TYPES = ['Percent', 'Pods'];

export function autoscalerErrors(spec: V2HorizontalPodAutoscalerSpec): FieldError[] {
  const { scaleTargetRef, metrics = [], behavior } = spec;
  return [
    ...replicaErrors(spec),
    ...objectNameErrors(scaleTargetRef, 'spec.scaleTargetRef'),
    ...metrics.flatMap((metric, index) => metricErrors(metric, `spec.metrics[${index}]`)),
    ...scaleToZeroErrors(spec.minReplicas, metrics),
    ...scalingErrors(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...scalingErrors(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ];
}

function replicaErrors({ minReplicas, maxReplicas }: V2HorizontalPodAutoscalerSpec): FieldError[] {
  const field = 'spec.maxReplicas';
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  }
  if (!maxReplicas) errors.push(required(field, 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalid(field, maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && (maxReplicas ?? 0) < minReplicas) {
    errors.push(invalid(field, maxReplicas ?? 0, 'must be greater than or equal to `minReplicas`'));
  }
  return errors;
}

/** Kind and name of a reference; its apiVersion is judged apart, since updates may keep a bad one. */
function objectNameErrors({ kind, name }: V2CrossVersionObjectReference, path: string): FieldError[] {
  return [
    ...requiredFormatErrors(`${path}.kind`, kind, isPathSegmentName),
    ...requiredFormatErrors(`${path}.name`, name, isPathSegmentName),
  ];
}

/** The apiVersion of what is scaled: all kinds with a scale have a group, but one. */
export function targetVersionErrors({ kind, apiVersion = '' }: V2CrossVersionObjectReference): FieldError[] {
  const field = 'spec.scaleTargetRef.apiVersion';
  if (apiVersion.split('/').length > 2) {
    return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  }
  return parseApiVersion(apiVersion).group === '' && kind !== 'ReplicationController'
    ? [invalid(field, apiVersion, 'apiVersion must specify API group')]
    : [];
}

function scaleToZeroErrors(minReplicas: number | undefined, metrics: readonly V2MetricSpec[]): FieldError[] {
  const canMeasureWithoutPods = metrics.some(({ type }) => type === 'Object' || type === 'External');
  return minReplicas === 0 && !canMeasureWithoutPods
    ? [
        forbidden(
          'spec.metrics',
          'must specify at least one Object or External metric to support scaling to zero replicas',
        ),
      ]
    : [];
}

function scalingErrors(rules: V2HPAScalingRules | undefined, path: string): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const field = `${path}.stabilizationWindowSeconds`;
  return [
    ...(window !== undefined && window < 0 ? [invalid(field, window, 'must be greater than or equal to zero')] : []),
    ...(window !== undefined && window > STABILIZATION_SECONDS_MAX
      ? [invalid(field, window, `must be less than or equal to ${STABILIZATION_SECONDS_MAX}`)]
      : []),
    ...(selectPolicy === undefined ? [] : oneOfErrors(`${path}.selectPolicy`, selectPolicy, SELECT_POLICIES)),
    ...(policies.length === 0 ? [required(`${path}.policies`, 'must specify at least one Policy')] : []),
    ...policies.flatMap((policy, index) => policyErrors(policy, `${path}.policies[${index}]`)),
    ...(tolerance === undefined ? [] : nonNegativeQuantityErrors(`${path}.tolerance`, tolerance)),
  ];
}

function policyErrors({ type, value, periodSeconds }: V2HPAScalingPolicy, path: string): FieldError[] {
  const period = `${path}.periodSeconds`;
  return [
    ...(POLICY_TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, POLICY_TYPES)]),
    ...(value <= 0 ? [invalid(`${path}.value`, value, 'must be greater than zero')] : []),
    ...(periodSeconds <= 0 ? [invalid(period, periodSeconds, 'must be greater than zero')] : []),
    ...(periodSeconds > PERIOD_SECONDS_MAX
      ? [invalid(period, periodSeconds, `must be less than or equal to ${PERIOD_SECONDS_MAX}`)]
      : []),
  ];
}

import { forbidden, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import { isPathSegmentName } from '../../../../lib/api/names.js';
import type {
  V2ExternalMetricSource,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
  V2ObjectMetricSource,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label } from '../shared/formats.js';
import { compareQuantities } from '../shared/quantities.js';
import { requiredFormatErrors } from '../shared/required-format.js';
import { containerResourceNameErrors } from '../shared/resources.js';

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue'];

/** The field that holds the source of each type of metric, in the order in which Kubernetes looks at them. */
const SOURCES = {
  object: 'Object',
  external: 'External',
  pods: 'Pods',
  resource: 'Resource',
  containerResource: 'ContainerResource',
} as const;
type SourceField = keyof typeof SOURCES;
const SOURCE_FIELDS = Object.keys(SOURCES) as SourceField[];

export function metricErrors(metric: V2MetricSpec, path: string): FieldError[] {
  const { type } = metric;
  const present = SOURCE_FIELDS.filter((field) => metric[field] !== undefined);
  const expected = SOURCE_FIELDS.find((field) => SOURCES[field] === type);
  const errors: FieldError[] = [];
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric source type'));
  if (!TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  if (present[0] !== undefined) errors.push(...sourceErrors(metric, present[0], `${path}.${present[0]}`));
  if (expected !== undefined && metric[expected] === undefined) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  if (present.length !== 1) {
    for (const field of present.filter((one) => one !== expected)) {
      errors.push(forbidden(`${path}.${field}`, 'must populate the given metric source only'));
    }
  }
  return errors;
}

function sourceErrors(metric: V2MetricSpec, field: SourceField, path: string): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  switch (field) {
    case 'object':
      return object === undefined ? [] : objectErrors(object, path);
    case 'external':
      return external === undefined ? [] : externalErrors(external, path);
    case 'pods':
      return pods === undefined
        ? []
        : [
            ...identifierErrors(pods.metric, `${path}.metric`),
            ...targetErrors(pods.target, `${path}.target`),
            ...(pods.target.averageValue === undefined
              ? [required(`${path}.target.averageValue`, 'must specify a positive target averageValue')]
              : []),
          ];
    case 'resource':
      return resource === undefined ? [] : [...nameErrors(resource.name, path), ...usageErrors(resource.target, path)];
    case 'containerResource':
      return containerResource === undefined
        ? []
        : [
            ...nameErrors(containerResource.name, path),
            ...(containerResource.name ? containerResourceNameErrors(`${path}.name`, containerResource.name) : []),
            ...(containerResource.container
              ? formatErrors(`${path}.container`, containerResource.container, isDns1123Label)
              : [required(`${path}.container`, 'must specify a container')]),
            ...usageErrors(containerResource.target, path),
          ];
  }
}

function nameErrors(name: string, path: string): FieldError[] {
  return name ? [] : [required(`${path}.name`, 'must specify a resource name')];
}

function objectErrors({ describedObject, metric, target }: V2ObjectMetricSource, path: string): FieldError[] {
  return [
    ...requiredFormatErrors(`${path}.describedObject.kind`, describedObject.kind, isPathSegmentName),
    ...requiredFormatErrors(`${path}.describedObject.name`, describedObject.name, isPathSegmentName),
    ...identifierErrors(metric, `${path}.metric`),
    ...targetErrors(target, `${path}.target`),
    ...(target.value === undefined && target.averageValue === undefined
      ? [required(`${path}.target.averageValue`, 'must set either a target value or averageValue')]
      : []),
  ];
}

function externalErrors({ metric, target }: V2ExternalMetricSource, path: string): FieldError[] {
  const { value, averageValue } = target;
  return [
    ...identifierErrors(metric, `${path}.metric`),
    ...targetErrors(target, `${path}.target`),
    ...(value === undefined && averageValue === undefined
      ? [required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target')]
      : []),
    ...(value !== undefined && averageValue !== undefined
      ? [forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target')]
      : []),
  ];
}

/** A resource is wanted by its raw use or by its use in percent of what was requested. */
function usageErrors(target: V2MetricTarget, path: string): FieldError[] {
  const { averageUtilization, averageValue } = target;
  return [
    ...targetErrors(target, `${path}.target`),
    ...(averageUtilization === undefined && averageValue === undefined
      ? [required(`${path}.target.averageUtilization`, 'must set either a target raw value or a target utilization')]
      : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization')]
      : []),
  ];
}

function targetErrors({ type, value, averageValue, averageUtilization }: V2MetricTarget, path: string): FieldError[] {
  const positive = (field: string, quantity: string | undefined): FieldError[] =>
    quantity === undefined || compareQuantities(quantity, '0') > 0
      ? []
      : [invalid(`${path}.${field}`, quantity, 'must be positive')];
  return [
    ...(type ? [] : [required(`${path}.type`, 'must specify a metric target type')]),
    ...(TARGET_TYPES.includes(type)
      ? []
      : [invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...positive('value', value),
    ...positive('averageValue', averageValue),
    ...(averageUtilization !== undefined && averageUtilization < 1
      ? [invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0')]
      : []),
  ];
}

function identifierErrors({ name }: V2MetricIdentifier, path: string): FieldError[] {
  return name
    ? formatErrors(`${path}.name`, name, isPathSegmentName)
    : [required(`${path}.name`, 'must specify a metric name')];
}

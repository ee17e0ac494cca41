import type {
  V1LabelSelector,
  V2CrossVersionObjectReference,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../../../../lib/schema/generated/types.js';

/**
 * Metrics in the form of autoscaling/v1, which has no fields for them: they stand as JSON in an annotation.
 * Fields without `?` are always written, as `"0"` when there is nothing to say.
 */

interface Named {
  metricName: string;
}

export interface MetricV1 {
  type: string;
  object?: Named & {
    target: V2CrossVersionObjectReference;
    targetValue: string;
    averageValue?: string | undefined;
    selector?: V1LabelSelector | undefined;
  };
  pods?: Named & { targetAverageValue: string; selector?: V1LabelSelector | undefined };
  resource?: ResourceV1;
  containerResource?: ResourceV1 & { container: string };
  external?: Named & {
    metricSelector?: V1LabelSelector | undefined;
    targetValue?: string | undefined;
    targetAverageValue?: string | undefined;
  };
}

interface ResourceV1 {
  name: string;
  targetAverageUtilization?: number | undefined;
  targetAverageValue?: string | undefined;
}

export interface MetricStatusV1 {
  type: string;
  object?: Named & {
    target: V2CrossVersionObjectReference;
    currentValue: string;
    averageValue?: string | undefined;
    selector?: V1LabelSelector | undefined;
  };
  pods?: Named & { currentAverageValue: string; selector?: V1LabelSelector | undefined };
  resource?: ResourceStatusV1;
  containerResource?: ResourceStatusV1 & { container: string };
  external?: Named & {
    metricSelector?: V1LabelSelector | undefined;
    currentValue: string;
    currentAverageValue?: string | undefined;
  };
}

interface ResourceStatusV1 {
  name: string;
  currentAverageUtilization?: number | undefined;
  currentAverageValue: string;
}

/** Objects as JSON has them: absent fields are not there. */
function compact<T>(value: object): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export function metricToV1({ type, object, pods, resource, containerResource, external }: V2MetricSpec): MetricV1 {
  return compact({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && resourceToV1(resource),
    containerResource: containerResource && {
      ...resourceToV1(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  });
}

function resourceToV1({ name, target }: { name: string; target: V2MetricTarget }): ResourceV1 {
  return {
    name,
    targetAverageUtilization: target.averageUtilization,
    targetAverageValue: target.averageValue,
  };
}

export function metricFromV1({ type, object, pods, resource, containerResource, external }: MetricV1): V2MetricSpec {
  return compact({
    type,
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      target: objectTarget(object),
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
    },
    resource: resource && { name: resource.name, target: resourceTarget(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      target: resourceTarget(containerResource),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      target: {
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      },
    },
  });
}

/** v1 cannot leave the value out: zero stands for none where an average is wanted. */
function objectTarget({ targetValue, averageValue }: NonNullable<MetricV1['object']>): object {
  if (averageValue === undefined) return { type: 'Value', value: targetValue };
  return { type: 'AverageValue', averageValue, ...(targetValue === '0' ? {} : { value: targetValue }) };
}

function resourceTarget({ targetAverageUtilization, targetAverageValue }: ResourceV1): object {
  return {
    type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageUtilization: targetAverageUtilization,
    averageValue: targetAverageValue,
  };
}

export function statusToV1(status: V2MetricStatus): MetricStatusV1 {
  const { type, object, pods, resource, containerResource, external } = status;
  return compact({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && resourceStatusToV1(resource),
    containerResource: containerResource && {
      ...resourceStatusToV1(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? '0',
      currentAverageValue: external.current.averageValue,
    },
  });
}

function resourceStatusToV1({ name, current }: { name: string; current: V2MetricValueStatus }): ResourceStatusV1 {
  return {
    name,
    currentAverageUtilization: current.averageUtilization,
    currentAverageValue: current.averageValue ?? '0',
  };
}

export function statusFromV1(status: MetricStatusV1): V2MetricStatus {
  const { type, object, pods, resource, containerResource, external } = status;
  return compact({
    type,
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      current: { value: object.currentValue, averageValue: object.averageValue },
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      current: { averageValue: pods.currentAverageValue },
    },
    resource: resource && { name: resource.name, current: resourceCurrent(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      current: resourceCurrent(containerResource),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      current: { value: external.currentValue, averageValue: external.currentAverageValue },
    },
  });
}

function resourceCurrent({ currentAverageUtilization, currentAverageValue }: ResourceStatusV1): object {
  return { averageUtilization: currentAverageUtilization, averageValue: currentAverageValue };
}

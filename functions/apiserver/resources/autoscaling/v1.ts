import type { KubernetesObject, ObjectMeta } from '../../../../lib/api/meta.js';
import type {
  V1HorizontalPodAutoscaler,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerBehavior,
  V2HorizontalPodAutoscalerCondition,
  V2MetricSpec,
  V2MetricStatus,
} from '../../../../lib/schema/generated/types.js';
import type { AlternateVersion } from '../kind.js';
import { cpuUtilization, defaultMetrics } from './defaults.js';
import {
  metricFromV1,
  metricToV1,
  statusFromV1,
  statusToV1,
  type MetricStatusV1,
  type MetricV1,
} from './v1-metrics.js';

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const ROUND_TRIP_ANNOTATIONS: ReadonlySet<string> = new Set([
  METRICS,
  CURRENT_METRICS,
  CONDITIONS,
  BEHAVIOR,
  'autoscaling.alpha.kubernetes.io/scale-down-tolerance',
  'autoscaling.alpha.kubernetes.io/scale-up-tolerance',
]);

/** autoscaling/v1: a CPU target alone has a field there, everything else of v2 travels in annotations. */
export const autoscalerV1: AlternateVersion = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  definition: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  toStorage: (object: KubernetesObject): KubernetesObject => toV2(object as V1HorizontalPodAutoscaler),
  fromStorage: (object: KubernetesObject): KubernetesObject => fromV2(object as V2HorizontalPodAutoscaler),
};

function toV2({ metadata, spec, status }: V1HorizontalPodAutoscaler): V2HorizontalPodAutoscaler {
  const annotations = metadata?.annotations ?? {};
  const { targetCPUUtilizationPercentage, ...sameSpec } = spec ?? {};
  const { currentCPUUtilizationPercentage, currentReplicas = 0, ...sameStatus } = status ?? {};
  const cpu = targetCPUUtilizationPercentage === undefined ? [] : [cpuUtilization(targetCPUUtilizationPercentage)];
  const metrics = [...(parsedList<MetricV1>(annotations[METRICS])?.map(metricFromV1) ?? []), ...cpu];
  const behavior = parsedBehavior(annotations[BEHAVIOR]);
  const currentMetrics =
    parsedList<MetricStatusV1>(annotations[CURRENT_METRICS])?.map(statusFromV1) ??
    cpuStatus(currentCPUUtilizationPercentage);
  const conditions = parsedList<V2HorizontalPodAutoscalerCondition>(annotations[CONDITIONS]);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    ...(metadata === undefined ? {} : { metadata: withAnnotations(metadata, {}) }),
    ...(spec === undefined
      ? {}
      : {
          spec: {
            ...(sameSpec as NonNullable<V2HorizontalPodAutoscaler['spec']>),
            metrics: metrics.length === 0 ? defaultMetrics() : metrics,
            ...(behavior === undefined ? {} : { behavior }),
          },
        }),
    ...(status === undefined
      ? {}
      : {
          status: {
            ...(sameStatus as NonNullable<V2HorizontalPodAutoscaler['status']>),
            // Zero is written in version 1 and left out in version 2.
            ...(currentReplicas === 0 ? {} : { currentReplicas }),
            ...(currentMetrics === undefined ? {} : { currentMetrics }),
            ...(conditions === undefined ? {} : { conditions }),
          },
        }),
  };
}

function cpuStatus(percent: number | undefined): V2MetricStatus[] | undefined {
  return percent === undefined
    ? undefined
    : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: percent } } }];
}

function fromV2({ metadata, spec, status }: V2HorizontalPodAutoscaler): V1HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...sameSpec } = spec ?? ({} as Partial<NonNullable<typeof spec>>);
  const { currentMetrics = [], conditions = [], ...sameStatus } = status ?? ({} as Partial<NonNullable<typeof status>>);
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined);
  const cpu = metrics.map(cpuTarget).find((target) => target !== undefined);
  const currentCpu = currentMetrics.map(cpuCurrent).findLast((current) => current !== undefined);
  const annotations = {
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others.map(metricToV1)) }),
    ...(currentMetrics.length === 0 ? {} : { [CURRENT_METRICS]: JSON.stringify(currentMetrics.map(statusToV1)) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(capitalized(behavior)) }),
    ...(conditions.length === 0 ? {} : { [CONDITIONS]: JSON.stringify(conditions) }),
  };
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata ?? {}, annotations),
    ...(spec === undefined
      ? {}
      : {
          spec: {
            ...(sameSpec as NonNullable<V1HorizontalPodAutoscaler['spec']>),
            ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }),
          },
        }),
    ...(status === undefined
      ? {}
      : {
          status: {
            ...(sameStatus as NonNullable<V1HorizontalPodAutoscaler['status']>),
            currentReplicas: sameStatus.currentReplicas ?? 0,
            ...(currentCpu === undefined ? {} : { currentCPUUtilizationPercentage: currentCpu }),
          },
        }),
  };
}

function cpuTarget({ type, resource }: V2MetricSpec): number | undefined {
  return type === 'Resource' && resource?.name === 'cpu' ? resource.target.averageUtilization : undefined;
}

function cpuCurrent({ type, resource }: V2MetricStatus): number | undefined {
  return type === 'Resource' && resource?.name === 'cpu' ? resource.current.averageUtilization : undefined;
}

/** The metadata with these annotations in the place of any that an earlier conversion has left. */
function withAnnotations(metadata: ObjectMeta, added: Record<string, string>): ObjectMeta {
  const { annotations: given, ...rest } = metadata;
  const own = Object.entries(given ?? {}).filter(([key]) => !ROUND_TRIP_ANNOTATIONS.has(key));
  const annotations = { ...Object.fromEntries(own), ...added };
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Undefined for text that is no JSON list; Kubernetes ignores such annotations as well. */
function parsedList<T>(text: string | undefined): T[] | undefined {
  const value = parsed(text);
  return Array.isArray(value) ? (value as T[]) : undefined;
}

function parsedBehavior(text: string | undefined): V2HorizontalPodAutoscalerBehavior | undefined {
  const value = withoutNulls(uncapitalized(parsed(text)));
  const isObject = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  return isObject ? (value as V2HorizontalPodAutoscalerBehavior) : undefined;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Kubernetes writes the behavior in its internal form, whose fields are named as in Go. */
function capitalized(value: unknown): unknown {
  return renamed(value, (key) => key.charAt(0).toUpperCase() + key.slice(1));
}

function uncapitalized(value: unknown): unknown {
  return renamed(value, (key) => key.charAt(0).toLowerCase() + key.slice(1));
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [rename(key), renamed(member, rename)]));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

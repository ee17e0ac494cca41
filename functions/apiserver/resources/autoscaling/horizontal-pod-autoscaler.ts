import type {
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../shared/equality.js';
import { statusCountErrors } from '../shared/status-counts.js';
import { defaultAutoscalerSpec } from './defaults.js';
import { autoscalerErrors, targetVersionErrors } from './rules.js';
import { autoscalerV1 } from './v1.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';

const CELL_METRICS_MAX = 2;
const UNKNOWN = '<unknown>';

export const horizontalPodAutoscaler = defineKind<V2HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  namespaced: true,
  definition: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  hasStatus: true,
  inert: true,
  alternates: [autoscalerV1],
  defaults({ spec }) {
    if (spec !== undefined) defaultAutoscalerSpec(spec);
  },
  validate: ({ spec }) => (spec === undefined ? [] : autoscalerErrors(spec)),
  validateCreate: ({ spec }) => (spec === undefined ? [] : targetVersionErrors(spec.scaleTargetRef)),
  validateUpdate({ spec }, old) {
    if (spec === undefined || semanticallyEqual(spec.scaleTargetRef, old.spec?.scaleTargetRef)) return [];
    return targetVersionErrors(spec.scaleTargetRef);
  },
  validateStatusUpdate: ({ status }) => statusCountErrors(status, ['currentReplicas', 'desiredReplicas']),
  columns: [
    {
      name: 'Reference',
      type: 'string',
      description: 'What it scales.',
      cell: (object) => `${object.spec?.scaleTargetRef.kind}/${object.spec?.scaleTargetRef.name}`,
    },
    { name: 'Targets', type: 'string', description: 'Current and wanted metrics.', cell: (object) => metrics(object) },
    {
      name: 'MinPods',
      type: 'string',
      description: 'Lower limit of replicas.',
      cell: (object) => (object.spec?.minReplicas === undefined ? '<unset>' : String(object.spec.minReplicas)),
    },
    {
      name: 'MaxPods',
      type: 'string',
      description: 'Upper limit of replicas.',
      cell: (object) => object.spec?.maxReplicas ?? 0,
    },
    {
      name: 'Replicas',
      type: 'string',
      description: 'Replicas now.',
      cell: (object) => object.status?.currentReplicas ?? 0,
    },
    AGE,
  ],
});

function metrics(object: V2HorizontalPodAutoscaler): string {
  const specs = object.spec?.metrics ?? [];
  if (specs.length === 0) return '<none>';
  const texts = specs.map((spec, index) => metricText(spec, object.status?.currentMetrics?.[index]));
  const shown = texts.slice(0, CELL_METRICS_MAX).join(', ');
  return texts.length > CELL_METRICS_MAX ? `${shown} + ${texts.length - CELL_METRICS_MAX} more...` : shown;
}

/** `cpu: 40%/80%`, `10/20 (avg)`: what is measured, if known, over what is wanted. */
function metricText(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external?.target, status?.external?.current);
    case 'Object':
      return valueText(spec.object?.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? UNKNOWN}/${spec.pods?.target.averageValue ?? ''}`;
    case 'Resource':
      return resourceText(spec.resource, status?.resource?.current);
    case 'ContainerResource':
      return resourceText(spec.containerResource, status?.containerResource?.current);
    default:
      return '<unknown type>';
  }
}

function valueText(target: V2MetricTarget | undefined, current: V2MetricValueStatus | undefined): string {
  return target?.averageValue === undefined
    ? `${current?.value ?? UNKNOWN}/${target?.value ?? ''}`
    : `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
}

function resourceText(
  source: { name: string; target: V2MetricTarget } | undefined,
  current: V2MetricValueStatus | undefined,
): string {
  const { name = '', target } = source ?? {};
  if (target?.averageValue !== undefined) {
    return `${name}: ${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
  }
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target?.averageUtilization, '<auto>')}`;
}

function percent(value: number | undefined, absent: string): string {
  return value === undefined ? absent : `${value}%`;
}

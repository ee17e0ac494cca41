import type {
  V2HPAScalingRules,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
} from '../../../../lib/schema/generated/types.js';

const CPU_UTILIZATION_PERCENT = 80;
const PERIOD_SECONDS = 15;

/** What an autoscaler without metrics looks at. */
export function defaultMetrics(): V2MetricSpec[] {
  return [cpuUtilization(CPU_UTILIZATION_PERCENT)];
}

export function cpuUtilization(percent: number): V2MetricSpec {
  return {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
  };
}

export function defaultAutoscalerSpec(spec: V2HorizontalPodAutoscalerSpec): void {
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) spec.metrics = defaultMetrics();
  if (spec.behavior === undefined) return;
  spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS },
      { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS },
    ],
  });
  spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }],
  });
}

function withDefaults(rules: V2HPAScalingRules | undefined, defaults: V2HPAScalingRules): V2HPAScalingRules {
  return { ...defaults, ...rules };
}

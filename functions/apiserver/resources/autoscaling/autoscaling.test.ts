import { describe, expect, test } from 'vitest';
import type { V1HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.js';
import { autoscalerV1 } from './v1.js';

const tester = kindTester<V2HorizontalPodAutoscaler>(horizontalPodAutoscaler);
const metadata = { name: 'web', namespace: 'default' };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const spec = { maxReplicas: 5, scaleTargetRef };
const resource = (target: object): object => ({ type: 'Resource', resource: { name: 'memory', target } });

test('defaults', () => {
  expect(tester.create({ metadata, spec: { ...spec, behavior: { scaleDown: { selectPolicy: 'Min' } } } }).spec).toEqual(
    {
      ...spec,
      minReplicas: 1,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    },
  );
});

test.each<[object, string[]]>([
  [spec, []],
  [
    { ...spec, maxReplicas: 0 },
    [
      'spec.maxReplicas: Required value: must be set and greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
    ],
  ],
  [{ ...spec, minReplicas: 6 }, ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`']],
  [
    { ...spec, scaleTargetRef: { kind: 'Deployment', name: 'web' } },
    ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
  ],
  [{ ...spec, scaleTargetRef: { kind: 'ReplicationController', name: 'web' } }, []],
  [
    { ...spec, metrics: [resource({ type: 'Utilization' })] },
    [
      'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
    ],
  ],
  [
    { ...spec, metrics: [{ type: 'Pods' }] },
    ['spec.metrics[0].pods: Required value: must populate information for the given metric source'],
  ],
  [
    { ...spec, metrics: [resource({ type: 'AverageValue', averageValue: '-1' })] },
    ['spec.metrics[0].resource.target.averageValue: Invalid value: "-1": must be positive'],
  ],
  [
    { ...spec, behavior: { scaleUp: { policies: [{ type: 'Nodes', value: 0, periodSeconds: 9999 }] } } },
    [
      'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods"',
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 9999: must be less than or equal to 1800',
    ],
  ],
])('validation of %j', (given, errors) => {
  expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
});

test('columns', () => {
  const metrics = [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } },
    { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '5' } } },
  ];
  const current = { averageUtilization: 40, averageValue: '200m' };
  const status = { currentReplicas: 2, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current } }] };
  expect(tester.cells({ metadata, spec: { ...spec, metrics }, status })).toMatchObject({
    Reference: 'Deployment/web',
    Targets: 'cpu: 40%/80%, <unknown>/10 + 1 more...',
    MinPods: '1',
    MaxPods: 5,
    Replicas: 2,
  });
});

describe('autoscaling/v1', () => {
  const asV1 = (object: object): V1HorizontalPodAutoscaler =>
    autoscalerV1.fromStorage(tester.decode(object)) as V1HorizontalPodAutoscaler;
  const asV2 = (object: object): V2HorizontalPodAutoscaler =>
    autoscalerV1.toStorage(structuredClone(object)) as V2HorizontalPodAutoscaler;

  test('a CPU target has a field', () => {
    const v1 = asV1({ metadata, spec });
    expect(v1).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80 } });
    expect(v1.metadata?.annotations).toBeUndefined();
    expect(asV2({ metadata, spec }).spec?.metrics?.[0]?.resource?.target.averageUtilization).toBe(80);
    const sixty = asV2({ metadata, spec: { ...spec, targetCPUUtilizationPercentage: 60 } });
    expect(sixty.spec?.metrics?.map(({ resource: of }) => of?.target.averageUtilization)).toEqual([60]);
  });

  test('everything else survives in annotations', () => {
    const full = {
      metadata: { ...metadata, annotations: { mine: 'kept' } },
      spec: {
        ...spec,
        metrics: [
          resource({ type: 'AverageValue', averageValue: '1Gi' }),
          {
            type: 'Object',
            object: {
              describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
              metric: { name: 'rps', selector: { matchLabels: { a: 'b' } } },
              target: { type: 'Value', value: '10' },
            },
          },
          {
            type: 'External',
            external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '3' } },
          },
        ],
        behavior: { scaleUp: { stabilizationWindowSeconds: 30, tolerance: '100m' } },
      },
      status: {
        currentReplicas: 1,
        desiredReplicas: 2,
        conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        currentMetrics: [
          { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7, averageValue: '70m' } } },
        ],
      },
    };
    const stored = tester.decode(full);
    const v1 = asV1(full);
    expect(Object.keys(v1.metadata?.annotations ?? {}).toSorted()).toEqual([
      'autoscaling.alpha.kubernetes.io/behavior',
      'autoscaling.alpha.kubernetes.io/conditions',
      'autoscaling.alpha.kubernetes.io/current-metrics',
      'autoscaling.alpha.kubernetes.io/metrics',
      'mine',
    ]);
    expect(v1.metadata?.annotations?.['autoscaling.alpha.kubernetes.io/behavior']).toContain(
      '"ScaleUp":{"StabilizationWindowSeconds":30,',
    );
    expect(v1.status).toEqual({ currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 7 });
    const { metadata: meta, spec: backSpec, status: backStatus } = asV2(v1);
    expect(meta).toEqual(stored.metadata);
    expect(backSpec).toEqual(stored.spec);
    expect(backStatus).toEqual(stored.status);
  });

  test('annotations that are no JSON are ignored', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '{' };
    const converted = asV2({ metadata: { ...metadata, annotations }, spec });
    expect(converted.spec?.metrics).toHaveLength(1);
    expect(converted.metadata).toEqual(metadata);
  });
});

import { expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { podDisruptionBudget } from './pod-disruption-budget.js';

const tester = kindTester(podDisruptionBudget);
const metadata = { name: 'web', namespace: 'default' };
const selector = { matchLabels: { app: 'web' } };

test.each<[object, string[]]>([
  [{ minAvailable: '50%', selector }, []],
  [
    { minAvailable: 1, maxUnavailable: 1 },
    [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  [{ maxUnavailable: -1 }, ['spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0']],
  [{ maxUnavailable: '101%' }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
  [
    { unhealthyPodEvictionPolicy: 'Never' },
    ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
])('validation of %j', (spec, errors) => {
  expect(tester.createErrors({ metadata, spec })).toEqual(errors);
});

test('status and columns', () => {
  const spec = { minAvailable: '50%', selector };
  const status = { disruptionsAllowed: -1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  expect(tester.updateErrors({ metadata, spec, status }, { metadata, spec }, 'status')).toEqual([
    'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
  ]);
  expect(tester.cells({ metadata, spec, status: { disruptionsAllowed: 2 } })).toMatchObject({
    'Min Available': '50%',
    'Max Unavailable': 'N/A',
    'Allowed Disruptions': 2,
  });
});

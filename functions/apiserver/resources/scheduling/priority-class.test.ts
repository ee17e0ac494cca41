import { expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { priorityClass } from './priority-class.js';

const tester = kindTester(priorityClass);
const metadata = { name: 'high' };

test('defaults and columns', () => {
  expect(tester.create({ metadata, value: 5 })).toMatchObject({ preemptionPolicy: 'PreemptLowerPriority' });
  expect(tester.cells({ metadata, value: 5, globalDefault: true })).toMatchObject({
    Value: 5,
    'Global-Default': true,
    PreemptionPolicy: 'PreemptLowerPriority',
  });
});

test.each<[object, string[]]>([
  [{ metadata, value: 1_000_000_000 }, []],
  [
    { metadata, value: 1_000_000_001 },
    ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
  ],
  [
    { metadata: { name: 'system-mine' }, value: 1 },
    [
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
    ],
  ],
  [{ metadata: { name: 'system-node-critical' }, value: 2_000_001_000 }, []],
  [
    { metadata, value: 1, preemptionPolicy: 'Always' },
    ['preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"'],
  ],
])('validation of %j', (object, errors) => {
  expect(tester.createErrors(object)).toEqual(errors);
});

test('value and preemption stay', () => {
  expect(tester.updateErrors({ metadata, value: 6, preemptionPolicy: 'Never' }, { metadata, value: 5 })).toEqual([
    'value: Forbidden: may not be changed in an update.',
    'preemptionPolicy: Invalid value: "Never": field is immutable',
  ]);
});

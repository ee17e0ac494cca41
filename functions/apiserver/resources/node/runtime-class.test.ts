import { expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { runtimeClass } from './runtime-class.js';

const tester = kindTester(runtimeClass);
const metadata = { name: 'gvisor' };

test('rules and columns', () => {
  const toleration = { key: 'a', operator: 'Exists' };
  expect(tester.createErrors({ metadata, handler: 'runsc', overhead: { podFixed: { cpu: '100m' } } })).toEqual([]);
  expect(tester.createErrors({ metadata, handler: '' })).toEqual(['handler: Required value']);
  expect(
    tester.createErrors({ metadata, handler: 'a', scheduling: { tolerations: [toleration, toleration] } }),
  ).toEqual(['scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":"Exists"}']);
  expect(tester.updateErrors({ metadata, handler: 'b' }, { metadata, handler: 'a' })).toEqual([
    'handler: Invalid value: "b": field is immutable',
  ]);
  expect(tester.cells({ metadata, handler: 'runsc' })).toMatchObject({ Handler: 'runsc' });
});

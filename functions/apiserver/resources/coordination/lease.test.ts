import { expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { lease } from './lease.js';

const tester = kindTester(lease);
const metadata = { name: 'node-1', namespace: 'kube-node-lease' };

test.each<[object, string[]]>([
  [{ holderIdentity: 'node-1', leaseDurationSeconds: 40 }, []],
  [{ leaseDurationSeconds: 0 }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
  [{ leaseTransitions: -1 }, ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0']],
  [{ preferredHolder: 'x' }, ['spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined']],
  [{ strategy: 'Newest' }, ['spec.strategy: Unsupported value: "Newest": supported values: "OldestEmulationVersion"']],
])('validation of %j', (spec, errors) => {
  expect(tester.createErrors({ metadata, spec })).toEqual(errors);
});

test('columns', () => {
  expect(tester.cells({ metadata, spec: { holderIdentity: 'me' } })).toMatchObject({ Holder: 'me' });
});

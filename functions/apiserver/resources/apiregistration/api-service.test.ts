import { expect, test } from 'vitest';
import type { V1APIService } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { apiService } from './api-service.js';

const tester = kindTester<V1APIService>(apiService);
const metadata = { name: 'v1.example.com' };
const spec = {
  group: 'example.com',
  version: 'v1',
  groupPriorityMinimum: 100,
  versionPriority: 10,
  service: { namespace: 'default', name: 'x' },
};

test('defaults', () => {
  expect(tester.create({ metadata, spec }).spec?.service?.port).toBe(443);
  const { service: _, ...local } = spec;
  expect(tester.create({ metadata, spec: local }).status?.conditions).toMatchObject([
    { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' },
  ]);
});

test.each<[object, string[]]>([
  [spec, []],
  [
    { ...spec, version: 'v2' },
    ['metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "v2.example.com"'],
  ],
  [
    { ...spec, groupPriorityMinimum: 0, versionPriority: 2000 },
    [
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 2000: must be positive and less than 1000',
    ],
  ],
  [
    { ...spec, service: { name: 'x', port: 99999 } },
    [
      'spec.service.namespace: Required value',
      'spec.service.port: Invalid value: 99999: port is not valid: must be between 1 and 65535, inclusive',
    ],
  ],
  [
    { ...spec, service: undefined, insecureSkipTLSVerify: true },
    ['spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify'],
  ],
])('validation of %j', (given, errors) => {
  expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
});

test('columns', () => {
  const conditions = [{ type: 'Available', status: 'False', reason: 'ServiceNotFound' }];
  expect(tester.cells({ metadata, spec, status: { conditions } })).toMatchObject({
    Service: 'default/x',
    Available: 'False (ServiceNotFound)',
  });
  expect(tester.cells({ metadata, spec: { ...spec, service: undefined } })).toMatchObject({
    Service: 'Local',
    Available: 'Unknown',
  });
});

import { describe, expect, test } from 'vitest';
import type {
  V1Endpoints,
  V1LimitRange,
  V1ReplicationController,
  V1ResourceQuota,
} from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { binding, validateBinding } from './binding.js';
import { endpoints } from './endpoints.js';
import { limitRange } from './limit-range.js';
import { podTemplate } from './pod-template.js';
import { replicationController } from './replication-controller.js';
import { resourceQuota } from './resource-quota.js';
import { serviceAccount } from './service-account.js';

const metadata = { name: 'a', namespace: 'default' };

describe('resource quotas', () => {
  const tester = kindTester<V1ResourceQuota>(resourceQuota);
  const errorsOf = (spec: object) => tester.createErrors({ metadata, spec });

  test.each([
    [{ hard: { pods: '10', 'requests.cpu': '4', 'count/jobs.batch': '2', 'requests.example.com/gpu': '1' } }, []],
    [
      { hard: { things: '1' } },
      [
        'spec.hard[things]: Invalid value: "things": must be a standard resource type or fully qualified',
        'spec.hard[things]: Invalid value: "things": must be a standard resource for quota',
      ],
    ],
    [{ hard: { pods: '1500m' } }, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']],
    [
      { hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ],
    [
      { hard: { cpu: '1' }, scopes: ['BestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ])('validation of %j', (spec, errors) => {
    expect(errorsOf(spec)).toEqual(errors);
  });

  test('scopes stay', () => {
    expect(tester.updateErrors({ metadata, spec: { scopes: ['Terminating'] } }, { metadata, spec: {} })).toEqual([
      'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
    ]);
  });

  test('columns', () => {
    const status = {
      hard: { pods: '10', cpu: '4', 'limits.cpu': '8' },
      used: { pods: '1', cpu: '500m', 'limits.cpu': '1' },
    };
    expect(tester.cells({ metadata, status })).toMatchObject({
      Request: 'cpu: 500m/4, pods: 1/10',
      Limit: 'limits.cpu: 1/8',
    });
  });
});

describe('limit ranges', () => {
  const tester = kindTester<V1LimitRange>(limitRange);

  test('defaults of containers', () => {
    const limits = [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }];
    expect(tester.create({ metadata, spec: { limits } }).spec?.limits[0]).toMatchObject({
      default: { cpu: '2' },
      defaultRequest: { cpu: '2', memory: '1Mi' },
    });
  });

  test.each([
    [
      { type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } },
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      { type: 'Pod', default: { cpu: '1' } },
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
    ],
    [{ type: 'Nope' }, 'spec.limits[0].type: Invalid value: "Nope": must be a standard limit type or fully qualified'],
    [
      { type: 'PersistentVolumeClaim' },
      'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '500m' } },
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
    ],
  ])('validation of %j', (item, error) => {
    expect(tester.createErrors({ metadata, spec: { limits: [item] } })).toContain(error);
  });
});

describe('replication controllers', () => {
  const tester = kindTester<V1ReplicationController>(replicationController);
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };

  test('defaults from the template', () => {
    expect(tester.create({ metadata, spec: { template } })).toMatchObject({
      metadata: { labels: { app: 'web' } },
      spec: { replicas: 1, selector: { app: 'web' }, template: { spec: { restartPolicy: 'Always' } } },
      status: { replicas: 0 },
    });
  });

  test('validation', () => {
    expect(tester.createErrors({ metadata, spec: { template } })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { selector: { app: 'x' }, template } })).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]);
    expect(tester.createErrors({ metadata, spec: { replicas: -1, template } })).toEqual([
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ]);
    const never = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
    expect(tester.createErrors({ metadata, spec: { template: never } })).toEqual([
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
    expect(tester.createErrors({ metadata })).toEqual([
      'spec.selector: Required value',
      'spec.template: Required value',
    ]);
    expect(
      tester.updateErrors(
        { metadata, spec: { template }, status: { replicas: 1, readyReplicas: 2 } },
        { metadata, spec: { template } },
        'status',
      ),
    ).toEqual(['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas']);
  });

  test('columns', () => {
    expect(
      tester.cells({ metadata, spec: { replicas: 3, template }, status: { replicas: 2, readyReplicas: 1 } }),
    ).toMatchObject({
      Desired: 3,
      Current: 2,
      Ready: 1,
      Containers: 'web',
      Images: 'nginx',
      Selector: 'app=web',
    });
  });

  test('pod templates check their template, too', () => {
    const templates = kindTester(podTemplate);
    expect(templates.createErrors({ metadata, template })).toEqual([]);
    expect(templates.createErrors({ metadata, template: { spec: { containers: [] } } })).toEqual([
      'template.spec.containers: Required value',
    ]);
    expect(templates.cells({ metadata, template })).toEqual({
      Containers: 'web',
      Images: 'nginx',
      'Pod Labels': 'app=web',
    });
  });
});

describe('endpoints', () => {
  const tester = kindTester<V1Endpoints>(endpoints);

  test.each([
    [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }, []],
    [{ ports: [{ port: 80 }] }, ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
    [
      { addresses: [{ ip: '169.254.1.1' }] },
      [
        'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      ],
    ],
    [
      { addresses: [{ ip: '10.0.0.01' }] },
      expect.arrayContaining(['subsets[0].addresses[0].ip: Invalid value: "10.0.0.01": must not have leading 0s']),
    ],
    [
      { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { port: 2 }] },
      ['subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].name: Required value'],
    ],
  ])('validation of %j', (subset, errors) => {
    expect(tester.createErrors({ metadata, subsets: [subset] })).toEqual(errors);
  });

  test('columns', () => {
    const addresses = [1, 2, 3, 4].map((last) => ({ ip: `10.0.0.${last}` }));
    const cells = tester.cells({ metadata, subsets: [{ addresses, ports: [{ port: 80 }] }] });
    expect(cells['Endpoints']).toBe('10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...');
    expect(tester.cells({ metadata })['Endpoints']).toBe('<none>');
  });
});

test('bindings name a node', () => {
  expect(binding.verbs).toEqual(['create']);
  expect(validateBinding({ target: { kind: 'Pod' } }).map(({ field, body }) => `${field}: ${body}`)).toEqual([
    'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
    'target.name: Required value',
  ]);
});

test('service accounts count their secrets', () => {
  expect(kindTester(serviceAccount).cells({ metadata, secrets: [{ name: 's' }] })['Secrets']).toBe(1);
});

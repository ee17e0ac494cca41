import { describe, expect, test } from 'vitest';
import type { V1DaemonSet, V1Deployment, V1StatefulSet } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { controllerRevision } from './controller-revision.js';
import { daemonSet } from './daemon-set.js';
import { deployment } from './deployment.js';
import { replicaSet } from './replica-set.js';
import { statefulSet } from './stateful-set.js';

const metadata = { name: 'web', namespace: 'default', creationTimestamp: '1970-01-01T00:00:00Z' };
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };
const spec = { selector, template };
const pod = (more: object): object => ({ ...template, spec: { ...template.spec, ...more } });

describe('deployments', () => {
  const tester = kindTester<V1Deployment>(deployment);

  test('defaults', () => {
    const { spec: defaulted } = tester.create({ metadata, spec });
    expect(defaulted).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler' } },
    });
    const recreated = tester.create({ metadata, spec: { ...spec, strategy: { type: 'Recreate' } } });
    expect(recreated.spec?.strategy).toEqual({ type: 'Recreate' });
  });

  test.each<[object, string[]]>([
    [spec, []],
    [
      { template },
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      { ...spec, selector: { matchLabels: { app: 'other' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [{ ...spec, selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [
      { ...spec, selector: { matchExpressions: [{ key: 'app', operator: 'Is' }] } },
      [
        'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Is"}]}: invalid label selector',
      ],
    ],
    [{ ...spec, replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      { ...spec, template: pod({ restartPolicy: 'Never' }) },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      { ...spec, template: pod({ activeDeadlineSeconds: 5 }) },
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported'],
    ],
    [
      { ...spec, strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      { ...spec, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      { ...spec, strategy: { rollingUpdate: { maxUnavailable: '101%', maxSurge: 'some' } } },
      [
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"some\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')",
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
      ],
    ],
    [
      { ...spec, strategy: { type: 'BlueGreen' } },
      [
        'spec.strategy: Unsupported value: {"Type":"BlueGreen","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
      ],
    ],
    [
      { ...spec, progressDeadlineSeconds: 5, minReadySeconds: 5 },
      ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
    ],
  ])('validation of %j', (given, errors) => {
    expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
  });

  test('the selector stays', () => {
    const both = { ...template, metadata: { labels: { app: 'web', tier: 'a' } } };
    const changed = { ...spec, selector: { matchLabels: { tier: 'a' } }, template: both };
    expect(tester.updateErrors({ metadata, spec: changed }, { metadata, spec: { ...spec, template: both } })).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"tier":"a"}}: field is immutable',
    ]);
  });

  test('annotations are a new generation, since they are copied to replica sets', () => {
    const old = { metadata: { ...metadata, generation: 3, annotations: { a: '1' } }, spec };
    const same = { metadata: { ...metadata, generation: 3, labels: { b: '2' }, annotations: { a: '1' } }, spec };
    const other = { metadata: { ...metadata, generation: 3, annotations: { a: '2' } }, spec };
    expect(tester.update(same, old).metadata?.generation).toBe(3);
    expect(tester.update(other, old).metadata?.generation).toBe(4);
  });

  test('status', () => {
    const status = { replicas: 1, readyReplicas: 2, availableReplicas: 3, collisionCount: 0 };
    const old = { metadata, spec, status: { collisionCount: 1 } };
    expect(tester.updateErrors({ metadata, spec, status }, old, 'status')).toEqual([
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
      'status.collisionCount: Invalid value: 0: cannot be decremented',
    ]);
  });

  test('columns', () => {
    const status = { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 };
    expect(tester.cells({ metadata, spec: { ...spec, replicas: 3 }, status }, 95_000)).toEqual({
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 1,
      Age: '95s',
      Containers: 'c',
      Images: 'nginx:1',
      Selector: 'app=web',
    });
  });

  test('names that make bad host names are warned about', () => {
    expect(tester.warnings({ metadata: { ...metadata, name: 'a.b' }, spec })).toEqual([
      'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    ]);
    expect(tester.warnings({ metadata, spec })).toEqual([]);
  });
});

describe('replica sets', () => {
  const tester = kindTester(replicaSet);

  test('rules and columns', () => {
    expect(tester.createErrors({ metadata, spec })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { ...spec, selector: {} } })).toEqual([
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ]);
    const moved = { metadata, spec: { ...spec, selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } } };
    expect(tester.updateErrors(moved, { metadata, spec })).toEqual([
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable',
    ]);
    expect(tester.cells({ metadata, spec, status: { replicas: 1 } }, 0)).toMatchObject({
      Desired: 1,
      Current: 1,
      Ready: 0,
      Selector: 'app=web',
    });
  });
});

describe('daemon sets', () => {
  const tester = kindTester<V1DaemonSet>(daemonSet);
  const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

  test('defaults and the template generation', () => {
    const created = tester.create({ metadata, spec });
    expect(created.spec).toMatchObject({
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    });
    expect(created.metadata?.annotations).toEqual({ [TEMPLATE_GENERATION]: '1' });
    const changed = { metadata, spec: { ...spec, template: pod({ hostNetwork: true }) } };
    expect(tester.update(changed, created).metadata?.annotations).toEqual({ [TEMPLATE_GENERATION]: '2' });
    expect(tester.update({ metadata, spec }, created).metadata?.annotations).toEqual({ [TEMPLATE_GENERATION]: '1' });
  });

  test.each<[object, string[]]>([
    [spec, []],
    [
      { ...spec, updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } },
      ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ],
    [
      { ...spec, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
    ],
    [
      { ...spec, updateStrategy: { type: 'Never' } },
      [
        'spec.updateStrategy: Unsupported value: {"Type":"Never","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
      ],
    ],
    [{ ...spec, selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']],
  ])('validation of %j', (given, errors) => {
    expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
  });

  test('columns', () => {
    const status = { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1 };
    const selecting = { ...spec, template: pod({ nodeSelector: { b: '2', a: '1' } }) };
    expect(tester.cells({ metadata, spec: selecting, status })).toMatchObject({
      Desired: 3,
      Current: 2,
      Ready: 1,
      'Up-to-date': 0,
      Available: 0,
      'Node Selector': 'a=1,b=2',
    });
    expect(tester.cells({ metadata, spec })['Node Selector']).toBe('<none>');
  });
});

describe('stateful sets', () => {
  const tester = kindTester<V1StatefulSet>(statefulSet);
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const withClaims = { ...spec, serviceName: 'web', volumeClaimTemplates: [claim] };

  test('defaults', () => {
    const given = { ...withClaims, updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } };
    const { spec: defaulted } = tester.create({ metadata, spec: given });
    expect(defaulted).toMatchObject({
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          spec: { volumeMode: 'Filesystem' },
          status: { phase: 'Pending' },
        },
      ],
    });
    expect(defaulted?.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
  });

  test.each<[object, string[]]>([
    [withClaims, []],
    [
      { ...withClaims, podManagementPolicy: 'Random' },
      ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
    ],
    [
      { ...withClaims, updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
      [
        'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy \'RollingUpdate\'',
      ],
    ],
    [
      { ...withClaims, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Keep' } },
      [
        'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Retain", "Delete"',
      ],
    ],
    [{ ...withClaims, selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset']],
    [{ ...withClaims, serviceName: 'a.b' }, ['spec.serviceName: Invalid value: "a.b": must not contain dots']],
  ])('validation of %j', (given, errors) => {
    expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
  });

  test('volumes of claim templates may be mounted', () => {
    const mounting = pod({
      containers: [{ name: 'c', image: 'nginx:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    });
    expect(tester.createErrors({ metadata, spec: { ...withClaims, template: mounting } })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { ...spec, template: mounting } })).toEqual([
      'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ]);
  });

  test('what may change', () => {
    const update = (change: object): string[] =>
      tester.updateErrors({ metadata, spec: { ...withClaims, ...change } }, { metadata, spec: withClaims });
    expect(update({ replicas: 5, template: pod({ hostNetwork: true }), minReadySeconds: 3 })).toEqual([]);
    expect(update({ serviceName: 'other' })).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });

  test('names are labels, and the Ready column', () => {
    expect(statefulSet.validateName?.('a.b', false)).toEqual(['must not contain dots']);
    expect(tester.cells({ metadata, spec, status: { readyReplicas: 1 } }, 0)).toMatchObject({ Ready: '1/1' });
  });
});

describe('controller revisions', () => {
  const tester = kindTester(controllerRevision);

  test('rules and columns', () => {
    expect(tester.createErrors({ metadata, revision: 1, data: { a: 1 } })).toEqual([]);
    expect(tester.createErrors({ metadata, revision: -1 })).toEqual([
      'revision: Invalid value: -1: must be greater than or equal to 0',
      'data: Required value: data is mandatory',
    ]);
    const old = { metadata, revision: 1, data: { a: 1 } };
    expect(tester.updateErrors({ metadata, revision: 2, data: { a: 2 } }, old)).toEqual([
      'data: Invalid value: {"a":2}: field is immutable',
    ]);
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: '1', controller: true };
    const owned = { ...old, metadata: { ...metadata, ownerReferences: [owner] } };
    expect(tester.cells(owned)).toMatchObject({ Controller: 'statefulset.apps/web', Revision: 1 });
    expect(tester.cells(old)).toMatchObject({ Controller: '<none>' });
  });
});

import { describe, expect, test } from 'vitest';
import type { V1RoleBinding } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { clusterRoleBinding } from './cluster-role-binding.js';
import { clusterRole } from './cluster-role.js';
import { roleBinding } from './role-binding.js';
import { role } from './role.js';

const metadata = { name: 'system:reader', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };
const GROUP = 'rbac.authorization.k8s.io';

describe('roles', () => {
  const roles = kindTester(role);
  const clusterRoles = kindTester(clusterRole);

  test('names are path segments', () => {
    expect(role.validateName?.('system:reader', false)).toEqual([]);
    expect(role.validateName?.('a/b', false)).toEqual(["may not contain '/'"]);
  });

  test.each<[object, string[]]>([
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }, []],
    [
      { apiGroups: [''], resources: ['pods'] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      { verbs: ['get'] },
      [
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
      ['rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs'],
    ],
  ])('a rule %j', (rule, errors) => {
    expect(roles.createErrors({ metadata, rules: [rule] })).toEqual(errors);
  });

  test('cluster roles', () => {
    expect(clusterRoles.createErrors({ metadata, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] })).toEqual([]);
    expect(
      clusterRoles.createErrors({ metadata, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'], apiGroups: [''] }] }),
    ).toEqual([
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
    ]);
    expect(clusterRoles.createErrors({ metadata, aggregationRule: {} })).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ]);
    expect(clusterRoles.cells({ metadata })).toEqual({ 'Created At': '2026-01-01T00:00:00Z' });
  });
});

describe('bindings', () => {
  const tester = kindTester<V1RoleBinding>(roleBinding);
  const roleRef = { kind: 'Role', name: 'reader' };

  test('defaults and columns', () => {
    const subjects = [
      { kind: 'User', name: 'jane' },
      { kind: 'User', name: 'joe' },
      { kind: 'Group', name: 'devs' },
      { kind: 'ServiceAccount', name: 'bot', namespace: 'ci' },
    ];
    const created = tester.create({ metadata, roleRef, subjects });
    expect(created.roleRef.apiGroup).toBe(GROUP);
    expect(created.subjects?.map(({ apiGroup }) => apiGroup ?? '')).toEqual([GROUP, GROUP, GROUP, '']);
    expect(tester.cells({ metadata, roleRef, subjects }, Date.parse('2026-01-03T00:00:00Z'))).toEqual({
      Role: 'Role/reader',
      Age: '2d',
      Users: 'jane, joe',
      Groups: 'devs',
      ServiceAccounts: 'ci/bot',
    });
  });

  test.each<[object, string[]]>([
    [{ roleRef }, []],
    [
      { roleRef: { kind: 'Thing', name: '' } },
      [
        'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
        'roleRef.name: Required value',
      ],
    ],
    [
      {
        roleRef,
        subjects: [
          { kind: 'Robot', name: 'r' },
          { kind: 'User', name: '', apiGroup: 'x' },
        ],
      },
      [
        'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
        'subjects[1].name: Required value',
        `subjects[1].apiGroup: Unsupported value: "x": supported values: "${GROUP}"`,
      ],
    ],
  ])('validation of %j', (binding, errors) => {
    expect(tester.createErrors({ metadata, ...binding })).toEqual(errors);
  });

  test('the role stays', () => {
    expect(tester.updateErrors({ metadata, roleRef: { kind: 'Role', name: 'x' } }, { metadata, roleRef })).toEqual([
      `roleRef: Invalid value: {"APIGroup":"${GROUP}","Kind":"Role","Name":"x"}: cannot change roleRef`,
    ]);
  });

  test('cluster bindings name service accounts with their namespace', () => {
    const cluster = kindTester(clusterRoleBinding);
    const subjects = [{ kind: 'ServiceAccount', name: 'bot' }];
    expect(cluster.createErrors({ metadata, roleRef, subjects })).toEqual([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ]);
  });
});

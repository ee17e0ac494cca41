import { describe, expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { mutatingAdmissionPolicy } from './mutating-admission-policy.js';
import { mutatingWebhookConfiguration } from './mutating-webhook-configuration.js';
import { validatingAdmissionPolicyBinding } from './validating-admission-policy-binding.js';
import { validatingAdmissionPolicy } from './validating-admission-policy.js';
import { validatingWebhookConfiguration } from './validating-webhook-configuration.js';

const metadata = { name: 'mine' };
const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
const matchConstraints = { resourceRules: [rule] };

describe('webhook configurations', () => {
  const webhook = {
    name: 'a.example.com',
    clientConfig: { service: { namespace: 'default', name: 'x' } },
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    rules: [rule],
  };

  test.each([
    ['validating', validatingWebhookConfiguration],
    ['mutating', mutatingWebhookConfiguration],
  ])('%s: refused until they are honoured', (_name, kind) => {
    const tester = kindTester(kind);
    expect(tester.createErrors({ metadata, webhooks: [] })).toEqual([]);
    expect(tester.createErrors({ metadata, webhooks: [webhook] })[0]).toMatch(
      /^webhooks: Forbidden: admission webhooks are not served yet/,
    );
    expect(tester.cells({ metadata, webhooks: [webhook] })).toMatchObject({ Webhooks: 1 });
  });

  test('defaults', () => {
    const defaults = {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      clientConfig: { service: { port: 443 } },
      rules: [{ scope: '*' }],
    };
    expect(kindTester(validatingWebhookConfiguration).create({ metadata, webhooks: [webhook] })).toMatchObject({
      webhooks: [defaults],
    });
    expect(kindTester(mutatingWebhookConfiguration).create({ metadata, webhooks: [webhook] })).toMatchObject({
      webhooks: [{ ...defaults, reinvocationPolicy: 'Never' }],
    });
  });
});

describe('policies', () => {
  const policies = kindTester(validatingAdmissionPolicy);
  const spec = { matchConstraints, validations: [{ expression: 'true' }] };

  test.each<[object, string[]]>([
    [spec, []],
    [
      { matchConstraints },
      [
        'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
        'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
      ],
    ],
    [{ ...spec, matchConstraints: {} }, ['spec.matchConstraints.resourceRules: Required value']],
    [
      {
        ...spec,
        matchConstraints: {
          resourceRules: [{ ...rule, operations: ['*', 'READ'], resources: ['pods/*', 'pods/log'] }],
        },
      },
      [
        'spec.matchConstraints.resourceRules[0].operations: Invalid value: ["*","READ"]: if \'*\' is present, must not specify other operations',
        'spec.matchConstraints.resourceRules[0].operations[1]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
        'spec.matchConstraints.resourceRules[0].resources[1]: Invalid value: "pods/log": if \'pods/*\' is present, must not specify pods/log',
      ],
    ],
    [
      { ...spec, validations: [{ expression: ' ', message: 'a\nb', reason: 'Because' }] },
      [
        'spec.validations[0].expression: Required value: expression is not specified',
        'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
        'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
    [{ ...spec, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }, []],
    [{ ...spec, paramKind: { kind: 'ConfigMap' } }, ['spec.paramKind.apiVersion: Required value']],
  ])('validation of %j', (given, errors) => {
    expect(policies.createErrors({ metadata, spec: given })).toEqual(errors);
  });

  test('columns', () => {
    const parameterised = { ...spec, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } };
    expect(policies.cells({ metadata, spec: parameterised })).toMatchObject({
      Validations: 1,
      ParamKind: 'v1/ConfigMap',
    });
  });

  test('mutating ones', () => {
    const tester = kindTester(mutatingAdmissionPolicy);
    const mutation = { patchType: 'JSONPatch', jsonPatch: { expression: '[]' } };
    const good = { matchConstraints, reinvocationPolicy: 'Never', mutations: [mutation] };
    expect(tester.createErrors({ metadata, spec: good })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { ...good, mutations: [{ patchType: 'JSONPatch' }] } })).toEqual([
      'spec.mutations[0].jsonPatch: Required value',
    ]);
    const deleting = { ...good, matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } };
    expect(tester.createErrors({ metadata, spec: deleting })).toEqual([
      'spec.matchConstraints.resourceRules[0].operations[0]: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ]);
  });

  test('bindings', () => {
    const tester = kindTester(validatingAdmissionPolicyBinding);
    const binding = { policyName: 'p', validationActions: ['Deny'] };
    expect(tester.createErrors({ metadata, spec: binding })).toEqual([]);
    expect(tester.createErrors({ metadata, spec: { ...binding, validationActions: [] } })).toEqual([
      'spec.validationActions: Required value: at least one validation action is required',
    ]);
    const paramRef = { name: 'a', selector: {} };
    expect(tester.createErrors({ metadata, spec: { ...binding, paramRef } })).toEqual([
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value',
    ]);
    expect(tester.cells({ metadata, spec: { ...binding, paramRef: { name: 'a' } } })).toMatchObject({
      ParamRef: '*/a',
    });
    expect(tester.cells({ metadata, spec: binding })).toMatchObject({ PolicyName: 'p', ParamRef: '<unset>' });
  });
});

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

  const good = { ...webhook };
  const path = 'webhooks[0]';
  test.each<[object, string[]]>([
    [good, []],
    [
      { ...good, name: 'hook' },
      [`${path}.name: Invalid value: "hook": should be a domain with at least three segments separated by dots`],
    ],
    [
      { ...good, sideEffects: 'Some' },
      [`${path}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`],
    ],
    [
      { ...good, timeoutSeconds: 31 },
      [`${path}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`],
    ],
    [
      { ...good, clientConfig: {} },
      [`${path}.clientConfig: Required value: exactly one of url or service is required`],
    ],
    [
      { ...good, clientConfig: { url: 'http://me@example.com/x?y=1#z' } },
      [
        `${path}.clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        `${path}.clientConfig.url: Invalid value: "me": user information is not permitted in the URL`,
        `${path}.clientConfig.url: Invalid value: "z": fragments are not permitted in the URL`,
        `${path}.clientConfig.url: Invalid value: "y=1": query parameters are not permitted in the URL`,
      ],
    ],
    [
      { ...good, clientConfig: { service: { namespace: '', name: '', path: 'a//b' } } },
      [
        `${path}.clientConfig.service.name: Required value: service name is required`,
        `${path}.clientConfig.service.namespace: Required value: service namespace is required`,
        `${path}.clientConfig.service.path: Invalid value: "a//b": must start with a '/'`,
        `${path}.clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty`,
        `${path}.clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty`,
      ],
    ],
    [
      { ...good, admissionReviewVersions: [] },
      [`${path}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`],
    ],
    [
      { ...good, admissionReviewVersions: ['v2', 'v2'] },
      [
        `${path}.admissionReviewVersions[1]: Invalid value: "v2": duplicate version`,
        `${path}.admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1`,
      ],
    ],
    [{ ...good, rules: [{ ...rule, operations: [] }] }, [`${path}.rules[0].operations: Required value`]],
    [
      { ...good, matchConditions: [{ name: '', expression: '' }] },
      [`${path}.matchConditions[0].expression: Required value`, `${path}.matchConditions[0].name: Required value`],
    ],
  ])('validation of %j', (given, errors) => {
    for (const kind of [validatingWebhookConfiguration, mutatingWebhookConfiguration]) {
      const tester = kindTester(kind);
      expect(tester.createErrors({ metadata, webhooks: [given] })).toEqual(errors);
      expect(tester.cells({ metadata, webhooks: [given] })).toMatchObject({ Webhooks: 1 });
    }
  });

  test('names are unique within a configuration, and a mutating one knows when it is called again', () => {
    const tester = kindTester(mutatingWebhookConfiguration);
    expect(tester.createErrors({ metadata, webhooks: [good, { ...good, reinvocationPolicy: 'Maybe' }] })).toEqual([
      'webhooks[1].reinvocationPolicy: Unsupported value: "Maybe": supported values: "IfNeeded", "Never"',
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ]);
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

import { beforeEach, describe, expect, test } from 'vitest';
import { definitionOf, DEFINITIONS } from '../../custom/test-definitions.js';
import { testServer, type TestServer } from '../../registry/test-server.js';

const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const DEPLOYMENTS = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] };

let server: TestServer;
beforeEach(() => {
  server = testServer();
});

interface Status {
  observedGeneration?: number;
  typeChecking?: { expressionWarnings?: { fieldRef: string; warning: string }[] };
}

async function statusOf(spec: object, method = 'POST', query = ''): Promise<Status> {
  const policy = {
    metadata: { name: 'p' },
    spec: { matchConstraints: { resourceRules: [DEPLOYMENTS] }, ...spec },
  };
  const before = method === 'POST' ? undefined : (await server.request('GET', `${POLICIES}/p`)).json.metadata;
  const path = method === 'POST' ? POLICIES : `${POLICIES}/p`;
  const answer = await server.request(method, path + query, { ...policy, metadata: { ...before, ...policy.metadata } });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.json.status as Status;
}

describe('the expressions of a ValidatingAdmissionPolicy', () => {
  test('that fit the kinds they are about have no warnings', async () => {
    const fits = {
      variables: [{ name: 'replicas', expression: 'object.spec.replicas' }],
      validations: [
        { expression: 'variables.replicas > 1 && object.metadata.labels["a"] == "b"' },
        {
          expression:
            'object.spec.template.spec.containers.all(c, c.image.startsWith("x") && c.ports.all(p, p.containerPort > 0))',
        },
        { expression: 'has(object.spec.strategy.rollingUpdate) && object.spec.strategy.rollingUpdate.maxSurge == 1' },
        { expression: 'object == null || oldObject != null && authorizer.requestResource.check("get").allowed()' },
      ],
    };
    expect(await statusOf(fits)).toEqual({ observedGeneration: 1, typeChecking: {} });
  });

  test('that do not are told of, in the words of Kubernetes, as often as they change', async () => {
    const wrong = {
      validations: [
        { expression: 'object.replicas > 1', messageExpression: '"is " + string(object.spec.replica)' },
        { expression: 'object.spec.replicas > "1"' },
      ],
    };
    const status = await statusOf(wrong);
    expect(status.observedGeneration).toBe(1);
    expect(status.typeChecking?.expressionWarnings).toEqual([
      {
        fieldRef: 'spec.validations[0].expression',
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
      },
      {
        fieldRef: 'spec.validations[0].messageExpression',
        warning: expect.stringContaining("undefined field 'replica'") as string,
      },
      {
        fieldRef: 'spec.validations[1].expression',
        warning: expect.stringContaining("found no matching overload for '_>_' applied to '(int, string)'") as string,
      },
    ]);
    const better = { validations: [{ expression: 'object.spec.replicas > 1' }] };
    expect(await statusOf(better, 'PUT')).toEqual({ observedGeneration: 2, typeChecking: {} });
    expect(await statusOf(wrong, 'PUT', '?dryRun=All')).toMatchObject({ observedGeneration: 3 });
    expect((await server.request('GET', `${POLICIES}/p`)).json.status).toEqual({
      observedGeneration: 2,
      typeChecking: {},
    });
  });

  test('are checked against each kind that is named in full, also custom ones and the kind of parameters', async () => {
    const schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    };
    await server.request('POST', DEFINITIONS, definitionOf({ schema }));
    const rule = (group: string, ...resources: string[]): object => ({ ...DEPLOYMENTS, apiGroups: [group], resources });
    const status = await statusOf({
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: {
        resourceRules: [
          rule('stable.example.com', 'crontabs', 'crontabs/status'),
          rule('', 'configmaps', 'pods/*', 'no-such-things'),
          rule('*', 'secrets'),
        ],
      },
      validations: [
        { expression: 'object.spec.size > 1' },
        { expression: 'object.metadata.name == params.data["name"] || params.dat == "x"' },
      ],
    });
    const warnings = status.typeChecking?.expressionWarnings ?? [];
    expect(warnings.map(({ fieldRef }) => fieldRef)).toEqual([
      'spec.validations[0].expression',
      'spec.validations[1].expression',
    ]);
    expect(warnings[0]?.warning.match(/^.*Kind=\w+/gm)).toEqual(['/v1, Kind=ConfigMap']);
    expect(warnings[1]?.warning.match(/^.*Kind=\w+/gm)).toEqual([
      '/v1, Kind=ConfigMap',
      'stable.example.com/v1, Kind=CronTab',
    ]);
    expect(warnings[1]?.warning).toContain("undefined field 'dat'");
  });

  test('about kinds that contain themselves are checked too', async () => {
    const definitions = {
      ...DEPLOYMENTS,
      apiGroups: ['apiextensions.k8s.io'],
      resources: ['customresourcedefinitions'],
    };
    const status = await statusOf({
      matchConstraints: { resourceRules: [definitions] },
      validations: [{ expression: 'object.spec.versions.all(v, v.schema.openAPIV3Schema.typ == "object")' }],
    });
    expect(status.typeChecking?.expressionWarnings?.[0]?.warning).toContain("undefined field 'typ'");
  });
});

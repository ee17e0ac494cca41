import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type Answer, type TestApi } from './support/api.js';
import { MERGE } from './support/lifecycle.js';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const POLICIES = `${ADMISSION}/validatingadmissionpolicies`;
const BINDINGS = `${ADMISSION}/validatingadmissionpolicybindings`;
const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.close();
});
afterEach(async () => {
  for (const collection of [BINDINGS, POLICIES, MAPS, DEPLOYMENTS]) await api.request('DELETE', collection);
});

const rule = (group: string, resource: string, more: object = {}): object => ({
  apiGroups: [group],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: [resource],
  ...more,
});
const ON_MAPS = { matchConstraints: { resourceRules: [rule('', 'configmaps')] } };
const ON_DEPLOYMENTS = { matchConstraints: { resourceRules: [rule('apps', 'deployments')] } };

async function post(collection: string, body: object): Promise<Answer> {
  const answer = await api.request('POST', collection, body);
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

/** A policy of that name, and a binding that enforces it. */
async function enforce(spec: object, binding: object = {}): Promise<void> {
  await post(POLICIES, { metadata: { name: 'p' }, spec });
  await post(BINDINGS, { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'], ...binding } });
}

const createMap = (name: string, data: object = {}): Promise<Answer> =>
  api.request('POST', MAPS, { metadata: { name }, data });

const deployment = (name: string, replicas: number): object => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

test('row 87: ValidatingAdmissionPolicy', async () => {
  await enforce({
    ...ON_DEPLOYMENTS,
    validations: [
      {
        expression: 'object.spec.replicas > 1',
        messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)",
      },
      {
        expression: 'namespaceObject.metadata.name == request.namespace',
        message: 'Internal error! Other namespace should not be allowed.',
      },
    ],
  });
  expect((await api.request('POST', DEPLOYMENTS, deployment('many', 2))).status).toBe(201);
  const refused = await api.request('POST', DEPLOYMENTS, deployment('one', 1));
  const message = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: wants replicas > 1, got 1";
  expect(refused.json).toMatchObject({
    code: 422,
    reason: 'Invalid',
    message: `deployments.apps "one" is forbidden: ${message}`,
    details: { name: 'one', group: 'apps', kind: 'deployments', causes: [{ message }] },
  });
  const scaled = await api.request('PATCH', `${DEPLOYMENTS}/many`, { spec: { replicas: 1 } }, MERGE);
  expect(scaled.json.message).toContain('wants replicas > 1, got 1');
});

test('row 84: ValidatingAdmissionPolicy, with variables', async () => {
  await enforce({
    ...ON_DEPLOYMENTS,
    variables: [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
    ],
    validations: [
      { expression: 'variables.replicas > 1' },
      {
        expression: 'variables.oddReplicas',
        messageExpression: "'replicas must be odd, got ' + string(variables.replicas)",
      },
    ],
  });
  expect((await api.request('POST', DEPLOYMENTS, deployment('three', 3))).status).toBe(201);
  expect((await api.request('POST', DEPLOYMENTS, deployment('one', 1))).json.message).toContain(
    'denied request: failed expression: variables.replicas > 1',
  );
  expect((await api.request('POST', DEPLOYMENTS, deployment('two', 2))).json.message).toContain(
    'replicas must be odd, got 2',
  );
});

test.each([
  ['row 85: ValidatingAdmissionPolicy API', 'validatingadmissionpolicies', true],
  ['row 86: ValidatingAdmissionPolicyBinding API', 'validatingadmissionpolicybindings', false],
])('%s', async (_title, resource, hasStatus) => {
  const { resources } = (await api.request('GET', ADMISSION)).json;
  const names = resources.map(({ name }: { name: string }) => name);
  expect(names).toContain(resource);
  expect(names.includes(`${resource}/status`)).toBe(hasStatus);
  const collection = `${ADMISSION}/${resource}`;
  const spec = hasStatus
    ? { ...ON_MAPS, validations: [{ expression: 'true' }] }
    : { policyName: 'none', validationActions: ['Deny'] };
  const labels = { suite: 'api' };
  for (const name of ['one', 'two', 'three']) await post(collection, { metadata: { name, labels }, spec });
  const watch = await api.watch(`${collection}?watch=true&labelSelector=suite%3Dapi`);
  expect((await watch.take(3)).map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED']);
  const { json } = await api.request('GET', `${collection}/one`);
  const patched = await api.request(
    'PATCH',
    `${collection}/one`,
    { metadata: { annotations: { patched: 'yes' } } },
    MERGE,
  );
  expect(patched.json.metadata.annotations).toEqual({ patched: 'yes' });
  const updated = { ...patched.json, metadata: { ...patched.json.metadata, annotations: { updated: 'yes' } } };
  expect((await api.request('PUT', `${collection}/one`, updated)).json.metadata.annotations).toEqual({
    updated: 'yes',
  });
  expect((await watch.next()).object.metadata.annotations).toEqual({ patched: 'yes' });
  watch.stop();
  if (hasStatus) {
    const status = {
      conditions: [
        {
          type: 'Fine',
          status: 'True',
          reason: 'R',
          message: 'm',
          lastTransitionTime: json.metadata.creationTimestamp,
        },
      ],
    };
    const written = await api.request('PATCH', `${collection}/one/status`, { status }, MERGE);
    expect(written.json.status).toMatchObject(status);
    expect((await api.request('GET', `${collection}/one/status`)).json.status).toMatchObject(status);
  }
  expect((await api.request('DELETE', `${collection}/one`)).status).toBe(200);
  expect((await api.request('DELETE', `${collection}?labelSelector=suite%3Dapi`)).status).toBe(200);
  expect((await api.request('GET', collection)).json.items).toEqual([]);
});

describe('what a policy may say', () => {
  test('reasons have their codes, and a message that is computed badly is not used', async () => {
    await enforce({
      ...ON_MAPS,
      validations: [
        { expression: "!('big' in object.data)", reason: 'RequestEntityTooLarge', message: 'too big' },
        {
          expression: "!('secret' in object.data)",
          reason: 'Forbidden',
          messageExpression: "'two\\nlines'",
          message: 'own',
        },
        { expression: "object.data.all(k, k != 'bad')", messageExpression: 'object.data.missing' },
      ],
    });
    expect((await createMap('big', { big: '' })).json).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    const secret = (await createMap('secret', { secret: '' })).json;
    expect(secret).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(secret.message).toContain('denied request: own');
    expect((await createMap('bad', { bad: '' })).json.message).toContain(
      "denied request: failed expression: object.data.all(k, k != 'bad')",
    );
    expect((await createMap('good', { good: '' })).status).toBe(201);
  });

  test('a binding may warn instead, or only note', async () => {
    await enforce({ ...ON_MAPS, validations: [{ expression: 'false' }] }, { validationActions: ['Warn', 'Audit'] });
    const warned = await createMap('warned');
    expect(warned.status).toBe(201);
    expect(warned.headers['warning']).toEqual([
      `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: false"`,
    ]);
  });

  test('an expression that fails, or costs too much, refuses, unless failures are ignored', async () => {
    const failing = { ...ON_MAPS, validations: [{ expression: 'object.data.missing == "x"' }] };
    await enforce(failing);
    expect((await createMap('failing', { other: '' })).json.message).toContain(
      `denied request: expression 'object.data.missing == "x"' resulted in error: no such key: missing`,
    );
    const { json } = await api.request('GET', `${POLICIES}/p`);
    json.spec.failurePolicy = 'Ignore';
    await api.request('PUT', `${POLICIES}/p`, json);
    expect((await createMap('ignored', { other: '' })).status).toBe(201);
    json.spec.failurePolicy = 'Fail';
    json.spec.validations = [
      {
        expression:
          '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a + b + c + d + e + f > 0))))))',
      },
    ];
    const { metadata } = (await api.request('GET', `${POLICIES}/p`)).json;
    const put = await api.request('PUT', `${POLICIES}/p`, { ...json, metadata });
    expect(put.status, put.text).toBe(200);
    expect((await createMap('costly')).json.message).toContain('operation cancelled: actual cost limit exceeded');
  });

  test('match conditions and resource names narrow it; rules may exclude', async () => {
    await enforce({
      matchConstraints: {
        resourceRules: [rule('', '*')],
        excludeResourceRules: [rule('', 'configmaps', { resourceNames: ['exempt'] })],
      },
      matchConditions: [{ name: 'not-system', expression: "!request.userInfo.username.startsWith('system:')" }],
      validations: [{ expression: "request.resource.resource != 'configmaps'" }],
    });
    expect((await createMap('refused')).status).toBe(422);
    expect((await createMap('exempt')).status).toBe(201);
    expect((await api.request('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' } })).status).toBe(
      201,
    );
  });

  test('parameters come from objects, by name or by label, of the namespace of the request', async () => {
    await post('/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'limits', labels: { kind: 'limits' } },
      data: { max: '3' },
    });
    const spec = {
      ...ON_DEPLOYMENTS,
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        {
          expression: 'object.spec.replicas <= int(params.data.max)',
          messageExpression: "'at most ' + params.data.max",
        },
      ],
    };
    const paramRef = { name: 'limits', parameterNotFoundAction: 'Deny' };
    await enforce(spec, { paramRef });
    expect((await api.request('POST', DEPLOYMENTS, deployment('four', 4))).json.message).toContain(
      'denied request: at most 3',
    );
    expect((await api.request('POST', DEPLOYMENTS, deployment('three', 3))).status).toBe(201);
    await api.request('DELETE', `${MAPS}/limits`);
    expect((await api.request('POST', DEPLOYMENTS, deployment('two', 2))).json.message).toContain(
      'denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
    await api.request('DELETE', `${BINDINGS}/b`);
    const selecting = { selector: { matchLabels: { kind: 'limits' } }, parameterNotFoundAction: 'Allow' };
    await post(BINDINGS, {
      metadata: { name: 'b' },
      spec: { policyName: 'p', validationActions: ['Deny'], paramRef: selecting },
    });
    expect((await api.request('POST', DEPLOYMENTS, deployment('nine', 9))).status).toBe(201);
    for (const max of ['5', '7'])
      await post(MAPS, { metadata: { name: `max-${max}`, labels: { kind: 'limits' } }, data: { max } });
    expect((await api.request('POST', DEPLOYMENTS, deployment('six', 6))).json.message).toContain('at most 5');
    expect((await api.request('POST', DEPLOYMENTS, deployment('five', 5))).status).toBe(201);
  });

  test('the authorizer may be asked, and the old object looked at', async () => {
    await enforce({
      ...ON_MAPS,
      validations: [
        { expression: "authorizer.requestResource.check('update').allowed()" },
        { expression: 'oldObject == null || oldObject.data.fixed == object.data.fixed', message: 'fixed is fixed' },
      ],
    });
    expect((await createMap('fixed', { fixed: '1' })).status).toBe(201);
    const changed = await api.request('PATCH', `${MAPS}/fixed`, { data: { fixed: '2' } }, MERGE);
    expect(changed.json.message).toContain('fixed is fixed');
  });

  test("what does not compile is refused with the compiler's words", async () => {
    const answer = await api.request('POST', POLICIES, {
      metadata: { name: 'broken' },
      spec: {
        ...ON_MAPS,
        variables: [{ name: 'x', expression: 'object.' }],
        validations: [
          { expression: '1 + 1' },
          { expression: 'params.x' },
          { expression: 'true', messageExpression: '1' },
        ],
        auditAnnotations: [{ key: 'a', valueExpression: 'true' }],
      },
    });
    expect(answer.status).toBe(422);
    const causes = answer.json.details.causes.map(
      ({ field, message }: { field: string; message: string }) => `${field}: ${message.split('\n')[0]}`,
    );
    expect(causes).toEqual([
      expect.stringContaining(
        'spec.variables[0].expression: Invalid value: "object.": compilation failed: ERROR: <input>:1:8: Syntax error',
      ),
      'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool',
      `spec.validations[1].expression: Invalid value: "params.x": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')`,
      'spec.validations[2].messageExpression: Invalid value: "1": must evaluate to string',
      'spec.auditAnnotations[0].valueExpression: Invalid value: "true": must evaluate to one of [string null_type]',
    ]);
  });

  test('policies are not subject to policies', async () => {
    await enforce({
      matchConstraints: { resourceRules: [rule('*', '*', { apiVersions: ['*'], operations: ['*'] })] },
      validations: [{ expression: 'false' }],
    });
    expect((await createMap('refused')).status).toBe(422);
    expect((await api.request('DELETE', `${BINDINGS}/b`)).status).toBe(200);
    expect((await createMap('accepted')).status).toBe(201);
  });
});

describe('policies that change what is written', () => {
  const MUTATING = `${ADMISSION}/mutatingadmissionpolicies`;
  const MUTATING_BINDINGS = `${ADMISSION}/mutatingadmissionpolicybindings`;
  afterEach(async () => {
    for (const collection of [MUTATING_BINDINGS, MUTATING]) await api.request('DELETE', collection);
  });

  async function mutate(name: string, mutations: object[], more: object = {}): Promise<void> {
    const spec = { ...ON_DEPLOYMENTS, reinvocationPolicy: 'Never', mutations, ...more };
    await post(MUTATING, { metadata: { name }, spec });
    await post(MUTATING_BINDINGS, { metadata: { name }, spec: { policyName: name } });
  }
  const applying = (expression: string): object => ({
    patchType: 'ApplyConfiguration',
    applyConfiguration: { expression },
  });
  const patching = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

  test('by a configuration that is merged as server-side apply merges', async () => {
    await mutate('sidecar', [
      applying(
        `Object{
          metadata: Object.metadata{labels: Object.metadata.labels{touched: "yes"}},
          spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
            containers: [Object.spec.template.spec.containers{name: "c", imagePullPolicy: "Never"},
                         Object.spec.template.spec.containers{name: "sidecar", image: "sidecar:" + string(object.spec.replicas)}]}}}}`,
      ),
    ]);
    const { json, text, status } = await api.request('POST', DEPLOYMENTS, deployment('web', 2));
    expect(status, text).toBe(201);
    expect(json.metadata.labels).toEqual({ touched: 'yes' });
    expect(json.spec.replicas).toBe(2);
    expect(json.spec.template.spec.containers).toMatchObject([
      { name: 'c', image: 'i', imagePullPolicy: 'Never' },
      { name: 'sidecar', image: 'sidecar:2', terminationMessagePolicy: 'File' },
    ]);
  });

  test('by a JSON patch, which a test that does not hold leaves out', async () => {
    await mutate(
      'patch',
      [
        patching(
          `[JSONPatch{op: "test", path: "/spec/replicas", value: 1},
          JSONPatch{op: "replace", path: "/spec/replicas", value: variables.wanted},
          JSONPatch{op: "add", path: "/metadata/annotations", value: {}},
          JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("example.com/by"), value: request.userInfo.username}]`,
        ),
      ],
      { variables: [{ name: 'wanted', expression: 'object.spec.replicas + 2' }] },
    );
    const one = await api.request('POST', DEPLOYMENTS, deployment('one', 1));
    expect(one.json.spec.replicas, one.text).toBe(3);
    expect(one.json.metadata.annotations).toEqual({ 'example.com/by': 'admin' });
    const two = await api.request('POST', DEPLOYMENTS, deployment('two', 2));
    expect(two.json.spec.replicas).toBe(2);
    expect(two.json.metadata.annotations).toBeUndefined();
  });

  test('one after the other, and again when a later one has changed something', async () => {
    const count = 'object.metadata.?annotations[?"count"].orValue("")';
    const grow = `Object{metadata: Object.metadata{annotations: {"count": ${count} + "+"}}}`;
    await mutate('a', [applying(grow)], { reinvocationPolicy: 'IfNeeded' });
    await mutate('b', [applying(grow)]);
    const { json, text } = await api.request('POST', DEPLOYMENTS, deployment('counted', 1));
    expect(json.metadata?.annotations, text).toEqual({ count: '+++' });
  });

  test('unless they cannot: then the failure policy decides', async () => {
    const atomic =
      'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: "c", args: ["x"]}]}}}}';
    await mutate('p', [applying(atomic)]);
    const refused = (await api.request('POST', DEPLOYMENTS, deployment('web', 1))).json;
    expect(refused).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(refused.message).toBe(
      `deployments.apps "web" is forbidden: policy 'p' with binding 'p' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.containers[].args`,
    );
    await api.request('DELETE', MUTATING);
    await api.request('DELETE', MUTATING_BINDINGS);
    await mutate('p', [patching('[JSONPatch{op: "remove", path: "/spec/none"}]')], { failurePolicy: 'Ignore' });
    expect((await api.request('POST', DEPLOYMENTS, deployment('web', 1))).status).toBe(201);
  });
});

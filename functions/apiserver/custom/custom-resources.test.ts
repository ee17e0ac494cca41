import { beforeEach, describe, expect, test } from 'vitest';
import { testServer, type Answer, type TestServer } from '../registry/test-server.js';
import { definitionOf, DEFINITIONS, objectOf, type TestDefinition } from './test-definitions.js';

let server: TestServer;
beforeEach(() => {
  server = testServer();
});

const CRONTABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const SPEC = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['image'],
      properties: {
        image: { type: 'string', pattern: '^[a-z/:.]+$' },
        replicas: { type: 'integer', minimum: 1, maximum: 10, default: 1 },
        size: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
  },
};

async function define(options: TestDefinition = {}): Promise<Answer> {
  const answer = await server.request('POST', DEFINITIONS, definitionOf(options));
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

const create = (name: string, members: Record<string, unknown>, query = ''): Promise<Answer> =>
  server.request('POST', CRONTABS + query, objectOf(name, members));

describe('a definition', () => {
  test('is established in the answer to its create, and served at once', async () => {
    const answer = await define({ schema: SPEC });
    expect(answer.json.status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
    ]);
    expect(answer.json.status).toMatchObject({ storedVersions: ['v1'], acceptedNames: { plural: 'crontabs' } });
    const list = await server.request('GET', CRONTABS);
    expect(list.json).toMatchObject({ kind: 'CronTabList', apiVersion: 'stable.example.com/v1', items: [] });
    expect(list.json.metadata.resourceVersion).not.toBe('0');
  });

  test('whose names are taken waits until they are free', async () => {
    await define({ names: { shortNames: ['ct'] } });
    const rival = await define({ kind: 'Rival', names: { shortNames: ['ct'], kind: 'CronTab' } });
    expect(rival.json.status.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'False', reason: 'KindConflict', message: '"CronTab" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    ]);
    expect((await server.request('GET', '/apis/stable.example.com/v1/rivals')).status).toBe(404);
  });

  test('is in both kinds of discovery and in OpenAPI at once', async () => {
    const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const before = await server.request('GET', '/apis', undefined, aggregated);
    const etag = before.headers.get('etag') ?? '';
    const same = await server.request('GET', '/apis', undefined, { ...aggregated, 'if-none-match': etag });
    expect(same.status).toBe(304);
    await define({
      schema: SPEC,
      names: { shortNames: ['ct'], categories: ['all'] },
      version: { subresources: { status: {} } },
    });
    const after = await server.request('GET', '/apis', undefined, { ...aggregated, 'if-none-match': etag });
    expect(after.status).toBe(200);
    const group = after.json.items.find(
      (one: { metadata: { name: string } }) => one.metadata.name === 'stable.example.com',
    );
    expect(group.versions[0].resources).toMatchObject([
      {
        resource: 'crontabs',
        responseKind: { group: 'stable.example.com', version: 'v1', kind: 'CronTab' },
        scope: 'Namespaced',
        singularResource: 'crontab',
        shortNames: ['ct'],
        categories: ['all'],
        subresources: [{ subresource: 'status' }],
      },
    ]);
    const classic = await server.request('GET', '/apis/stable.example.com/v1');
    expect(classic.json.resources.map((one: { name: string }) => one.name)).toEqual(['crontabs', 'crontabs/status']);
    const index = await server.request('GET', '/openapi/v3');
    const address = index.json.paths['apis/stable.example.com/v1'].serverRelativeURL;
    const v3 = await server.request('GET', address);
    expect(v3.json.components.schemas['com.example.stable.v1.CronTab']).toMatchObject({
      type: 'object',
      properties: {
        metadata: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] },
      },
      'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }],
    });
    const v2 = await server.request('GET', '/openapi/v2');
    expect(v2.json.definitions['com.example.stable.v1.CronTab'].properties.spec.properties.replicas.type).toBe(
      'integer',
    );
    expect(v2.json.definitions['com.example.stable.v1.CronTabList']).toBeDefined();
    expect(v2.json.paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs']).toBeDefined();
  });
});

describe('an object', () => {
  test('is pruned, completed and kept', async () => {
    await define({ schema: SPEC });
    const created = await create('a', { spec: { image: 'x', other: 1, free: { a: { b: null } } }, more: true });
    expect(created.status, created.text).toBe(201);
    expect(created.headers.get('warning')).toContain('unknown field \\"more\\"');
    expect(created.json).toMatchObject({
      spec: { image: 'x', replicas: 1, free: { a: { b: null } } },
      metadata: { generation: 1 },
    });
    expect(created.json.spec.other).toBeUndefined();
    expect(created.json.more).toBeUndefined();
    const strict = await create('b', { spec: { image: 'x', other: 1 } }, '?fieldValidation=Strict');
    expect(strict.status).toBe(400);
    expect(strict.json.message).toContain('strict decoding error: unknown field "spec.other"');
  });

  test('is validated in the words of Kubernetes', async () => {
    await define({ schema: SPEC });
    const refused = await create('a', { spec: { image: 'X', replicas: 11, size: true } });
    expect(refused.status).toBe(422);
    expect(
      refused.json.details.causes.map((one: { field: string; message: string }) => `${one.field}: ${one.message}`),
    ).toEqual([
      `spec.image: Invalid value: "X": spec.image in body should match '^[a-z/:.]+$'`,
      'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10',
      'spec.size: Invalid value: "boolean": spec.size in body must be of type integer,string: "boolean"',
    ]);
    expect(refused.json.message).toContain('CronTab.stable.example.com "a" is invalid');
    const missing = await create('a', { spec: {} });
    expect(missing.json.message).toBe('CronTab.stable.example.com "a" is invalid: spec.image: Required value');
  });

  test('goes through every verb', async () => {
    await define({ schema: SPEC });
    await create('a', { spec: { image: 'x' }, metadata: { labels: { a: 'b' } } });
    const got = await server.request('GET', `${CRONTABS}/a`);
    const replaced = await server.request('PUT', `${CRONTABS}/a`, { ...got.json, spec: { image: 'y' } });
    expect(replaced.json).toMatchObject({ spec: { image: 'y', replicas: 1 }, metadata: { generation: 2 } });
    const stale = await server.request('PUT', `${CRONTABS}/a`, got.json);
    expect(stale.status).toBe(409);
    const unconditional = await server.request('PUT', `${CRONTABS}/a`, objectOf('a', { spec: { image: 'z' } }));
    expect(unconditional.json.message).toContain(
      'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    );
    const merge = { 'content-type': 'application/merge-patch+json' };
    const merged = await server.request('PATCH', `${CRONTABS}/a`, { spec: { replicas: 3 } }, merge);
    expect(merged.json.spec).toEqual({ image: 'y', replicas: 3 });
    const json = { 'content-type': 'application/json-patch+json' };
    const patched = await server.request('PATCH', `${CRONTABS}/a`, [{ op: 'remove', path: '/spec/replicas' }], json);
    expect(patched.json.spec).toEqual({ image: 'y', replicas: 1 });
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const refused = await server.request('PATCH', `${CRONTABS}/a`, { spec: { replicas: 3 } }, strategic);
    expect(refused.status).toBe(415);
    expect(refused.json.message).not.toContain('strategic');
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    expect((await server.request('POST', CRONTABS, 'k8s\0', protobuf)).status).toBe(415);
    const selected = await server.request('GET', `${CRONTABS}?labelSelector=a%3Db`);
    expect(selected.json.items).toHaveLength(1);
    const gone = await server.request('DELETE', `${CRONTABS}/a`);
    expect(gone.json).toMatchObject({
      status: 'Success',
      details: { name: 'a', group: 'stable.example.com', kind: 'crontabs' },
    });
    await create('b', { spec: { image: 'x' } });
    expect((await server.request('DELETE', CRONTABS)).status).toBe(200);
    expect((await server.request('GET', CRONTABS)).json.items).toEqual([]);
  });

  test('is watched', async () => {
    await define({ schema: SPEC });
    const watch = await server.watch(`${CRONTABS}?watch=1`);
    await create('a', { spec: { image: 'x' } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { kind: 'CronTab', spec: { replicas: 1 } } });
    await server.request('DELETE', `${CRONTABS}/a`);
    expect(await watch.next()).toMatchObject({ type: 'DELETED' });
    watch.stop();
  });

  test('has a status and a scale of its own', async () => {
    await define({
      schema: SPEC,
      version: {
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
      },
    });
    const created = await create('a', { spec: { image: 'x' }, status: { replicas: 9 } });
    expect(created.json.status).toBeUndefined();
    const status = await server.request('PUT', `${CRONTABS}/a/status`, {
      ...created.json,
      metadata: { ...created.json.metadata, labels: { not: 'taken' } },
      spec: { image: 'changed' },
      status: { replicas: 2, selector: 'a=b' },
    });
    expect(status.json).toMatchObject({ spec: { image: 'x' }, status: { replicas: 2 }, metadata: { generation: 1 } });
    expect(status.json.metadata.labels).toBeUndefined();
    const scale = await server.request('GET', `${CRONTABS}/a/scale`);
    expect(scale.json).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 2, selector: 'a=b' },
    });
    const scaled = await server.request('PUT', `${CRONTABS}/a/scale`, { ...scale.json, spec: { replicas: 5 } });
    expect(scaled.json.spec).toEqual({ replicas: 5 });
    expect((await server.request('GET', `${CRONTABS}/a`)).json).toMatchObject({
      spec: { replicas: 5 },
      metadata: { generation: 2 },
    });
    const tooMany = await server.request('PUT', `${CRONTABS}/a/scale`, { ...scaled.json, spec: { replicas: 50 } });
    expect(tooMany.status).toBe(422);
  });

  test('is shown in columns', async () => {
    await define({
      schema: SPEC,
      version: {
        additionalPrinterColumns: [
          { name: 'Image', type: 'string', jsonPath: '.spec.image', description: 'what it runs' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    });
    await create('a', { spec: { image: 'x' } });
    const table = await server.request('GET', CRONTABS, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect(table.json.columnDefinitions.map((one: { name: string }) => one.name)).toEqual([
      'Name',
      'Image',
      'Replicas',
      'Age',
    ]);
    expect(table.json.rows[0].cells).toEqual(['a', 'x', 1, '0s']);
  });

  test('is selected by the fields that its definition names', async () => {
    await define({ schema: SPEC, version: { selectableFields: [{ jsonPath: '.spec.image' }] } });
    await create('a', { spec: { image: 'x' } });
    await create('b', { spec: { image: 'y' } });
    const found = await server.request('GET', `${CRONTABS}?fieldSelector=spec.image%3Dy`);
    expect(found.json.items.map((one: { metadata: { name: string } }) => one.metadata.name)).toEqual(['b']);
    expect((await server.request('GET', `${CRONTABS}?fieldSelector=spec.size%3Dy`)).status).toBe(400);
  });
});

describe('a definition that changes', () => {
  test('gives stored objects its defaults, and keeps what was stored', async () => {
    const answer = await define({ schema: SPEC });
    await create('a', { spec: { image: 'x' } });
    const spec = structuredClone(answer.json.spec);
    spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.added = { type: 'string', default: 'new' };
    delete spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.replicas.default;
    const changed = await server.request('PUT', `${DEFINITIONS}/crontabs.stable.example.com`, { ...answer.json, spec });
    expect(changed.status, changed.text).toBe(200);
    expect((await server.request('GET', `${CRONTABS}/a`)).json.spec).toEqual({ image: 'x', replicas: 1, added: 'new' });
    expect((await server.request('GET', CRONTABS)).json.items[0].spec.added).toBe('new');
  });

  test('serves several versions of what it stores once', async () => {
    const versions = (storage: string): Record<string, unknown>[] =>
      ['v1', 'v2'].map((name) => ({
        name,
        served: true,
        storage: name === storage,
        schema: { openAPIV3Schema: SPEC },
      }));
    const answer = await define({ versions: versions('v1') });
    await create('a', { spec: { image: 'x' } });
    const v2 = CRONTABS.replace('/v1/', '/v2/');
    expect((await server.request('GET', `${v2}/a`)).json).toMatchObject({
      apiVersion: 'stable.example.com/v2',
      spec: { image: 'x' },
    });
    const moved = await server.request('PUT', `${DEFINITIONS}/crontabs.stable.example.com`, {
      ...answer.json,
      spec: { ...answer.json.spec, versions: versions('v2') },
    });
    expect(moved.json.status.storedVersions).toEqual(['v1', 'v2']);
    const before = (await server.request('GET', `${v2}/a`)).json;
    // What is stored in another version is written again, though nothing of it changes.
    const rewritten = await server.request('PUT', `${v2}/a`, before);
    expect(rewritten.json.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
    const again = await server.request('PUT', `${v2}/a`, rewritten.json);
    expect(again.json.metadata.resourceVersion).toBe(rewritten.json.metadata.resourceVersion);
    expect((await server.request('GET', `${CRONTABS}/a`)).json.apiVersion).toBe('stable.example.com/v1');
    const list = await server.request('GET', `${v2}`);
    expect(list.json.items[0].apiVersion).toBe('stable.example.com/v2');
  });

  test('keeps its conditions while it goes, and refuses new objects', async () => {
    await define({ schema: SPEC });
    await create('a', { spec: { image: 'x' } });
    const deleted = await server.request('DELETE', `${DEFINITIONS}/crontabs.stable.example.com`);
    expect(deleted.json.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    expect(deleted.json.status.conditions.at(-1)).toMatchObject({ type: 'Terminating', status: 'True' });
    const refused = await create('b', { spec: { image: 'x' } });
    expect(refused.status).toBe(403);
    expect(refused.json.message).toBe(
      'crontabs.stable.example.com "b" is forbidden: create not allowed while custom resource definition is terminating',
    );
  });
});

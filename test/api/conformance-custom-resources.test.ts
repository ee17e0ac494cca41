import { beforeEach, expect, test } from 'vitest';
import {
  definitionOf,
  DEFINITIONS,
  objectOf,
  type TestDefinition,
} from '../../functions/apiserver/custom/test-definitions.js';
import { testServer, type Answer, type TestServer } from '../../functions/apiserver/registry/test-server.js';

let server: TestServer;
beforeEach(() => {
  server = testServer();
});

const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const CRONTABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const FREE = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const WITH_SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      description: 'what is wanted',
      properties: {
        cronSpec: { type: 'string', description: 'when to run' },
        ports: {
          type: 'array',
          'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
          'x-kubernetes-list-type': 'map',
          items: {
            type: 'object',
            required: ['containerPort', 'protocol'],
            properties: { containerPort: { type: 'integer' }, protocol: { type: 'string' } },
          },
        },
      },
    },
  },
};

async function define(options: TestDefinition = {}): Promise<Answer> {
  const answer = await server.request('POST', DEFINITIONS, definitionOf(options));
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

async function schemasOf(part: string): Promise<Record<string, Record<string, unknown>> | undefined> {
  const { paths } = (await server.request('GET', '/openapi/v3')).json;
  if (paths[part] === undefined) return undefined;
  return (await server.request('GET', paths[part].serverRelativeURL)).json.components.schemas;
}

async function definitionsOfV2(): Promise<Record<string, unknown>> {
  return (await server.request('GET', '/openapi/v2')).json.definitions;
}

const version = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: WITH_SCHEMA },
  ...more,
});

test('rows 26 and 28: aggregated discovery shows a definition as soon as it has been created', async () => {
  const before = await server.request('GET', '/apis', undefined, AGGREGATED);
  await define();
  const after = await server.request('GET', '/apis', undefined, AGGREGATED);
  expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
  const groups = after.json.items as {
    metadata: { name: string };
    versions: { resources: { resource: string }[] }[];
  }[];
  expect(
    groups.find(({ metadata }) => metadata.name === 'stable.example.com')?.versions[0]?.resources[0]?.resource,
  ).toBe('crontabs');
  expect(before.text).not.toContain('stable.example.com');
});

test('row 32: a watch on custom objects reports add, change and removal', async () => {
  await define({ schema: FREE, scope: 'Cluster' });
  const path = '/apis/stable.example.com/v1/crontabs';
  const watch = await server.watch(`${path}?watch=1&fieldSelector=metadata.name%3Da`);
  await server.request('POST', path, objectOf('other'));
  await server.request('POST', path, objectOf('a', { content: 1 }));
  await server.request('PATCH', `${path}/a`, { content: 2 }, MERGE);
  await server.request('DELETE', `${path}/a`);
  const seen = [await watch.next(), await watch.next(), await watch.next()];
  expect(seen.map(({ type, object }) => [type, object.metadata.name, object.content])).toEqual([
    ['ADDED', 'a', 1],
    ['MODIFIED', 'a', 2],
    ['DELETED', 'a', 2],
  ]);
  watch.stop();
});

test('rows 33 and 34: a definition is created, established and deleted, and its status is read, updated and patched', async () => {
  const created = await define();
  expect(created.json.status.conditions.map((one: { type: string; status: string }) => [one.type, one.status])).toEqual(
    [
      ['NamesAccepted', 'True'],
      ['Established', 'True'],
    ],
  );
  const path = `${DEFINITIONS}/crontabs.stable.example.com`;
  const read = await server.request('GET', `${path}/status`);
  expect(read.json).toEqual(created.json);
  const more = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'set' };
  const updated = await server.request('PUT', `${path}/status`, {
    ...read.json,
    status: { ...read.json.status, conditions: [...read.json.status.conditions, more] },
  });
  expect(updated.json.status.conditions).toHaveLength(3);
  const patched = await server.request('PATCH', `${path}/status`, { status: { conditions: [more] } }, MERGE);
  expect(patched.json.status.conditions).toMatchObject([more]);
  expect((await server.request('GET', path)).json.status.conditions).toMatchObject([more]);
  expect((await server.request('DELETE', path)).status).toBe(200);
  expect((await server.request('PATCH', path, { metadata: { finalizers: null } }, MERGE)).status).toBe(200);
  expect((await server.request('GET', path)).status).toBe(404);
  expect((await server.request('GET', CRONTABS)).status).toBe(404);
});

test('row 35: a labelled list and deletecollection of definitions touch only the labelled ones', async () => {
  for (const kind of ['One', 'Two']) await define({ kind, metadata: { labels: { set: 'yes' } } });
  await define();
  const labelled = await server.request('GET', `${DEFINITIONS}?labelSelector=set%3Dyes`);
  expect(labelled.json.items).toHaveLength(2);
  await server.request('DELETE', `${DEFINITIONS}?labelSelector=set%3Dyes`);
  const going = (await server.request('GET', DEFINITIONS)).json.items as { metadata: Record<string, unknown> }[];
  expect(going.map(({ metadata }) => [metadata['name'], metadata['deletionTimestamp'] !== undefined])).toEqual([
    ['crontabs.stable.example.com', false],
    ['ones.stable.example.com', true],
    ['twos.stable.example.com', true],
  ]);
});

test('row 36: defaults apply on write and on read, and what was written stays when the default goes', async () => {
  const schema = (a: object, b: object): Record<string, unknown> => ({
    type: 'object',
    properties: { a: { type: 'string', ...a }, b: { type: 'string', ...b } },
  });
  const crd = await define({ schema: schema({ default: 'A' }, {}) });
  const created = await server.request('POST', CRONTABS, objectOf('a'));
  expect(created.json).toMatchObject({ a: 'A' });
  const change = async (to: Record<string, unknown>): Promise<void> => {
    const patch = [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: to }];
    const type = { 'content-type': 'application/json-patch+json' };
    expect((await server.request('PATCH', `${DEFINITIONS}/${crd.json.metadata.name}`, patch, type)).status).toBe(200);
  };
  await change(schema({ default: 'A' }, { default: 'B' }));
  expect((await server.request('GET', `${CRONTABS}/a`)).json).toMatchObject({ a: 'A', b: 'B' });
  await change(schema({}, { default: 'B' }));
  expect((await server.request('GET', `${CRONTABS}/a`)).json).toMatchObject({ a: 'A', b: 'B' });
});

test('row 37: discovery shows the group of definitions, its version and its resource', async () => {
  const { groups } = (await server.request('GET', '/apis')).json;
  const group = groups.find(({ name }: { name: string }) => name === 'apiextensions.k8s.io');
  expect(group.versions).toContainEqual({ groupVersion: 'apiextensions.k8s.io/v1', version: 'v1' });
  const { resources } = (await server.request('GET', '/apis/apiextensions.k8s.io/v1')).json;
  expect(resources.map(({ name }: { name: string }) => name)).toContain('customresourcedefinitions');
});

test('row 38: a version that is served no longer goes from OpenAPI, others stay', async () => {
  const crd = await define({ versions: [version('v1'), version('v2')] });
  expect(await schemasOf('apis/stable.example.com/v2')).toHaveProperty(['com.example.stable.v2.CronTab']);
  const spec = { ...crd.json.spec, versions: [version('v1'), version('v2', { served: false })] };
  await server.request('PUT', `${DEFINITIONS}/${crd.json.metadata.name}`, { ...crd.json, spec });
  expect(await schemasOf('apis/stable.example.com/v2')).toBeUndefined();
  expect(await schemasOf('apis/stable.example.com/v1')).toHaveProperty(['com.example.stable.v1.CronTab']);
  const v2 = await definitionsOfV2();
  expect(v2).toHaveProperty(['com.example.stable.v1.CronTab']);
  expect(v2).not.toHaveProperty(['com.example.stable.v2.CronTab']);
});

test('row 39: a version that is renamed is published under its new name', async () => {
  const crd = await define({ versions: [version('v1'), version('v3')] });
  const patch = { spec: { versions: [version('v1'), version('v4')] } };
  const renamed = await server.request('PATCH', `${DEFINITIONS}/${crd.json.metadata.name}`, patch, MERGE);
  expect(renamed.status, renamed.text).toBe(200);
  expect(await schemasOf('apis/stable.example.com/v4')).toHaveProperty(['com.example.stable.v4.CronTab']);
  expect(await schemasOf('apis/stable.example.com/v3')).toBeUndefined();
  const names = Object.keys(await definitionsOfV2()).filter((name) => name.startsWith('com.example.stable'));
  expect(names.toSorted()).toEqual([
    'com.example.stable.v1.CronTab',
    'com.example.stable.v1.CronTabList',
    'com.example.stable.v4.CronTab',
    'com.example.stable.v4.CronTabList',
  ]);
});

test('rows 40, 41 and 43: schemas that keep unknown fields are published so that clients accept them', async () => {
  await define({ schema: FREE });
  await define({
    kind: 'Waldo',
    schema: {
      type: 'object',
      properties: { spec: { ...FREE, description: 'free', properties: { foo: { type: 'string' } } } },
    },
  });
  await define({ kind: 'Bare', schema: { type: 'object', properties: { spec: FREE } } });
  const schemas = (await schemasOf('apis/stable.example.com/v1')) ?? {};
  expect(schemas['com.example.stable.v1.CronTab']).toMatchObject({
    'x-kubernetes-preserve-unknown-fields': true,
    'x-kubernetes-group-version-kind': [{ kind: 'CronTab' }],
  });
  expect(schemas['com.example.stable.v1.Waldo']?.['properties']).toMatchObject({
    spec: { description: 'free', 'x-kubernetes-preserve-unknown-fields': true },
  });
  const v2 = (await definitionsOfV2()) as Record<string, { type?: string; properties?: Record<string, unknown> }>;
  // Clients would take members beside unknown ones for all that there are.
  expect(v2['com.example.stable.v1.CronTab']?.properties).toBeUndefined();
  expect(v2['com.example.stable.v1.Waldo']?.properties?.['spec']).toEqual({
    description: 'free',
    'x-kubernetes-preserve-unknown-fields': true,
  });
  const created = await server.request('POST', CRONTABS, objectOf('a', { any: { thing: [1, null] } }));
  expect(created.json).toMatchObject({ any: { thing: [1, null] } });
});

test('custom resources are not said to take strategic merge patches or protobuf', async () => {
  await define();
  const { paths } = (await server.request('GET', '/openapi/v3')).json;
  const v3 = (await server.request('GET', paths['apis/stable.example.com/v1'].serverRelativeURL)).json;
  const item = v3.paths[`${CRONTABS.replace('/default/', '/{namespace}/')}/{name}`];
  expect(Object.keys(item.patch.requestBody.content)).toEqual([
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
  ]);
  expect(Object.keys(item.put.requestBody.content)).toEqual(['application/json', 'application/yaml']);
});

test('row 42: a validation schema is published in full', async () => {
  await define({ schema: WITH_SCHEMA });
  const schemas = (await schemasOf('apis/stable.example.com/v1')) ?? {};
  expect(schemas['com.example.stable.v1.CronTab']).toMatchObject({
    properties: { ...WITH_SCHEMA.properties, apiVersion: { type: 'string' }, kind: { type: 'string' } },
  });
  expect(schemas).toHaveProperty(['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']);
});

test('rows 44, 45 and 46: groups, kinds and versions each have their definitions', async () => {
  await define({ versions: [version('v1'), version('v2')] });
  await define({ kind: 'Other' });
  await define({ group: 'more.example.com' });
  const names = Object.keys(await definitionsOfV2()).filter(
    (name) => name.startsWith('com.example') && !name.endsWith('List'),
  );
  expect(names.toSorted()).toEqual([
    'com.example.more.v1.CronTab',
    'com.example.stable.v1.CronTab',
    'com.example.stable.v1.Other',
    'com.example.stable.v2.CronTab',
  ]);
  expect(await schemasOf('apis/more.example.com/v1')).toHaveProperty(['com.example.more.v1.CronTab']);
});

const applied = (name: string, body: string, query = 'fieldValidation=Strict&fieldManager=test'): Promise<Answer> =>
  server.request(
    'PATCH',
    `${CRONTABS}/${name}?${query}`,
    `apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata:\n  name: ${name}\n${body}`,
    APPLY,
  );

test('row 49: a strict apply of unknown fields works where no schema restricts them', async () => {
  await define({ schema: FREE });
  const answer = await applied('a', 'spec:\n  extraProperty: arbitrary\n  ports:\n  - number: 1\n');
  expect(answer.status, answer.text).toBe(201);
  expect(answer.json.spec).toEqual({ extraProperty: 'arbitrary', ports: [{ number: 1 }] });
});

const PORTS = 'spec:\n  cronSpec: "* * * * */5"\n  ports:\n  - containerPort: 8080\n    protocol: TCP\n    name: x\n';

test('row 50: a strict apply of an object that fits its schema works', async () => {
  await define({ schema: WITH_SCHEMA });
  const answer = await applied('a', PORTS.replace('    name: x\n', ''));
  expect(answer.status, answer.text).toBe(201);
  expect(answer.json.metadata.managedFields[0].fieldsV1['f:spec']['f:ports']).toHaveProperty([
    'k:{"containerPort":8080,"protocol":"TCP"}',
  ]);
});

test('row 51: a strict apply of what the schema does not have fails and names it', async () => {
  await define({ schema: WITH_SCHEMA });
  const answer = await applied('a', 'spec:\n  cronSpec: x\n  extraField: y\n');
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.json.message).toContain('.spec.extraField: field not declared in schema');
});

test('row 52: repeated keys are refused under Strict, also where unknown fields are kept', async () => {
  await define({ schema: { type: 'object', properties: { spec: { ...FREE } } } });
  const body = `{"apiVersion":"stable.example.com/v1","kind":"CronTab","metadata":{"name":"a"},"spec":{"unknown":1,"unknown":2}}`;
  const json = await server.request('POST', `${CRONTABS}?fieldValidation=Strict`, body);
  expect(json.status).toBe(400);
  expect(json.json.message).toContain('strict decoding error: duplicate field "spec.unknown"');
  const yaml = await applied('a', 'spec:\n  unknown: 1\n  unknown: 2\n');
  expect(yaml.status).toBe(400);
  expect(yaml.json.message).toContain('"unknown" already set in map');
});

test('row 54: unknown metadata keys fail under Strict at the root and inside an embedded resource', async () => {
  await define({
    schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { template: { ...FREE, 'x-kubernetes-embedded-resource': true } } },
      },
    },
  });
  const members = {
    metadata: { unknownMeta: 'x' },
    spec: { template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'sub', unknownSubMeta: 'y' } } },
  };
  const strict = await server.request('POST', `${CRONTABS}?fieldValidation=Strict`, objectOf('a', members));
  expect(strict.status).toBe(400);
  expect(strict.json.message).toContain('strict decoding error: unknown field "metadata.unknownMeta"');
  expect(strict.json.message).toContain('unknown field "spec.template.metadata.unknownSubMeta"');
  const lax = await server.request('POST', CRONTABS, objectOf('a', members));
  expect(lax.json.metadata.unknownMeta).toBeUndefined();
  expect(lax.json.spec.template.metadata).toEqual({ name: 'sub' });
});

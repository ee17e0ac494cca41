import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { testServer, type Answer, type TestServer } from '../registry/test-server.js';
import type { WebhookCall, WebhookCaller } from '../webhooks/webhook-caller.js';
import { definitionOf, DEFINITIONS } from './test-definitions.js';

const text = { type: 'string' };
const SPEC = {
  type: 'object',
  properties: {
    cron: text,
    replicas: { type: 'integer' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        required: ['port'],
        properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, note: text },
      },
    },
    words: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: text, b: text } },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const version = (name: string, storage: boolean, spec: object): Record<string, unknown> => ({
  name,
  served: true,
  storage,
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
  },
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec, status: { type: 'object', properties: { replicas: { type: 'integer' } } } },
    },
  },
});

const at = (name: string): string => `/apis/stable.example.com/${name}/namespaces/default/crontabs/one`;

function apply(server: TestServer, path: string, manager: string, more: object, query = ''): Promise<Answer> {
  const apiVersion = path.split('/').slice(2, 4).join('/');
  const config = { apiVersion, kind: 'CronTab', metadata: { name: 'one' }, ...more };
  return server.request('PATCH', `${path}?fieldManager=${manager}${query}`, config, {
    'content-type': 'application/apply-patch+yaml',
  });
}

interface Entry {
  manager: string;
  apiVersion: string;
  subresource?: string;
  fieldsV1: Record<string, unknown>;
}

function entryOf(answer: Answer, manager: string): Entry | undefined {
  return (answer.json.metadata.managedFields as Entry[]).find((one) => one.manager === manager);
}

test('custom resources are merged and owned by their own schema', async () => {
  const server = testServer();
  const made = await server.request('POST', DEFINITIONS, definitionOf({ versions: [version('v1', true, SPEC)] }));
  expect(made.status, made.text).toBe(201);
  const path = at('v1');
  const spec = {
    cron: '* * * * *',
    ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }],
    words: ['b', 'a'],
    free: { x: { y: 1 } },
    whole: { a: '1' },
    template: { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 'b' } }, spec: { any: 1 } },
  };
  const one = await apply(server, path, 'a', { spec });
  expect(one.status, one.text).toBe(201);
  expect(entryOf(one, 'a')?.fieldsV1).toEqual({
    'f:spec': {
      'f:cron': {},
      'f:free': { 'f:x': { '.': {}, 'f:y': {} } },
      'f:ports': {
        'k:{"port":53,"protocol":"UDP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} },
        'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} },
      },
      'f:template': {
        'f:apiVersion': {},
        'f:kind': {},
        'f:metadata': { 'f:labels': { 'f:a': {} } },
        'f:spec': { '.': {}, 'f:any': {} },
      },
      'f:whole': {},
      'f:words': { 'v:"a"': {}, 'v:"b"': {} },
    },
  });
  const two = await apply(server, path, 'b', {
    spec: { ports: [{ port: 80, note: 'mine' }], words: ['c'], free: { z: 1 } },
  });
  expect(two.json.spec).toMatchObject({
    ports: [{ port: 80, protocol: 'TCP', note: 'mine' }, { port: 53 }],
    words: ['b', 'a', 'c'],
    free: { x: { y: 1 }, z: 1 },
  });
  const refused = await apply(server, path, 'b', { spec: { whole: { b: '2' }, free: { x: { y: 2 } } } });
  expect(refused.json.message).toBe(
    'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.whole\n- .spec.free.x.y',
  );
  const three = await apply(server, path, 'a', { spec: { cron: '* * * * *' } });
  expect(three.json.spec).toEqual({
    cron: '* * * * *',
    ports: [{ port: 80, protocol: 'TCP', note: 'mine' }],
    words: ['c'],
    free: { z: 1 },
  });
  const status = await apply(server, `${path}/status`, 'c', { status: { replicas: 2 } });
  expect(entryOf(status, 'c')).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
  const put = await server.request('PUT', `${path}?fieldManager=u`, {
    ...status.json,
    spec: { ...status.json.spec, replicas: 3 },
  });
  expect(entryOf(put, 'u')?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'one', namespace: 'default' } };
  const scaled = await server.request(
    'PATCH',
    `${path}/scale?fieldManager=s`,
    { ...scale, spec: { replicas: 4 } },
    { 'content-type': 'application/apply-patch+yaml' },
  );
  expect(scaled.json.message).toBe(
    'Apply failed with 1 conflict: conflict with "u" using stable.example.com/v1: .spec.replicas',
  );
  const wrong = await apply(server, path, 'a', { spec: { typo: 1 } });
  expect(wrong.json.message).toBe(
    'failed to create typed patch object (/one; stable.example.com/v1, Kind=CronTab): .spec.typo: field not declared in schema',
  );
});

test('a create through an update owns what it adds, with the objects around it', async () => {
  const server = testServer();
  await server.request('POST', DEFINITIONS, definitionOf({ versions: [version('v1', true, SPEC)] }));
  const made = await server.request('POST', `${at('v1').replace(/\/one$/, '')}?fieldManager=u`, {
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name: 'one', labels: { a: 'b' } },
    spec: { cron: 'x' },
  });
  expect(made.status, made.text).toBe(201);
  expect(entryOf(made, 'u')?.fieldsV1).toEqual({
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': { '.': {}, 'f:cron': {} },
  });
});

test('managers of several versions are kept apart and compared in their own, whatever converts between them', async () => {
  const old = { type: 'object', properties: { hostPort: text } };
  const next = { type: 'object', properties: { host: text, port: text } };
  const convert = (object: Record<string, unknown>, apiVersion: string): object => {
    const { hostPort, host, port } = (object['spec'] ?? {}) as Record<string, string>;
    const [first = '', second = ''] = (hostPort ?? `${host ?? ''}:${port ?? ''}`).split(':');
    const spec = apiVersion.endsWith('v1') ? { hostPort: `${first}:${second}` } : { host: first, port: second };
    return { ...object, apiVersion, spec };
  };
  const webhookCaller: WebhookCaller = {
    async post(_config: unknown, call: WebhookCall): Promise<KubernetesObject> {
      const { request } = call.review as KubernetesObject & {
        request: { uid: string; desiredAPIVersion: string; objects: Record<string, unknown>[] };
      };
      const convertedObjects = request.objects.map((object) => convert(object, request.desiredAPIVersion));
      const response = { uid: request.uid, result: { status: 'Success' }, convertedObjects };
      return { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response } as KubernetesObject;
    },
  };
  const server = testServer({ webhookCaller });
  const made = await server.request(
    'POST',
    DEFINITIONS,
    definitionOf({
      versions: [version('v1', true, old), version('v2', false, next)],
      spec: {
        conversion: {
          strategy: 'Webhook',
          webhook: { clientConfig: { url: 'https://convert.example.com' }, conversionReviewVersions: ['v1'] },
        },
      },
    }),
  );
  expect(made.status, made.text).toBe(201);
  await apply(server, at('v1'), 'a', { spec: { hostPort: 'x:1' } });
  const shared = await apply(server, at('v2'), 'b', { spec: { host: 'x' } });
  expect(shared.status, shared.text).toBe(200);
  expect(entryOf(shared, 'b')).toMatchObject({
    apiVersion: 'stable.example.com/v2',
    fieldsV1: { 'f:spec': { 'f:host': {} } },
  });
  const refused = await apply(server, at('v2'), 'b', { spec: { host: 'y' } });
  expect(refused.json.message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.hostPort');
  const forced = await apply(server, at('v2'), 'b', { spec: { host: 'y' } }, '&force=true');
  expect(forced.json.spec).toEqual({ host: 'y', port: '1' });
  expect(entryOf(forced, 'a')).toBeUndefined();
});

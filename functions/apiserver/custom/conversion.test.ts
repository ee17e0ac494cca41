import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { testServer } from '../registry/test-server.js';
import type { WebhookCall, WebhookCaller } from '../webhooks/webhook-caller.js';
import { definitionOf, DEFINITIONS, objectOf } from './test-definitions.js';

type HostPort = KubernetesObject & { hostPort?: string; host?: string; port?: string };
type Review = KubernetesObject & { request: { uid: string; desiredAPIVersion: string; objects: HostPort[] } };

const V1 = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const V2 = '/apis/stable.example.com/v2/namespaces/default/crontabs';
const text = { type: 'string' };

/** As Kubernetes' own test webhook: v1 has `hostPort`, v2 has `host` and `port`. */
function convert(object: HostPort, apiVersion: string): HostPort {
  const { hostPort, host, port, ...rest } = object;
  if (apiVersion.endsWith('/v1')) return { ...rest, apiVersion, hostPort: `${host ?? ''}:${port ?? ''}` };
  const [first = '', second = ''] = (hostPort ?? '').split(':');
  return { ...rest, apiVersion, host: first, port: second };
}

class Caller implements WebhookCaller {
  readonly calls: Review[] = [];
  answer: (review: Review) => object = (review) => ({
    uid: review.request.uid,
    result: { status: 'Success' },
    convertedObjects: review.request.objects.map((object) => convert(object, review.request.desiredAPIVersion)),
  });

  async post(_config: unknown, call: WebhookCall): Promise<KubernetesObject> {
    const review = call.review as Review;
    this.calls.push(review);
    const answer = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response: this.answer(review) };
    return structuredClone(answer) as KubernetesObject;
  }
}

const version = (name: string, storage: boolean, properties: object): Record<string, unknown> => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: { type: 'object', properties } },
});
const definition = (storage: string): Record<string, unknown> =>
  definitionOf({
    versions: [
      version('v1', storage === 'v1', { hostPort: text }),
      version('v2', storage === 'v2', { host: text, port: text }),
    ],
    spec: {
      conversion: {
        strategy: 'Webhook',
        webhook: { clientConfig: { url: 'https://convert.example.com' }, conversionReviewVersions: ['v1', 'v1beta1'] },
      },
    },
  });

test('rows 30 and 31: conversion webhooks show objects of mixed versions in the one that is asked for', async () => {
  const caller = new Caller();
  const server = testServer({ webhookCaller: caller });
  const crd = await server.request('POST', DEFINITIONS, definition('v1'));
  expect(crd.status, crd.text).toBe(201);
  await server.request('POST', V1, objectOf('a', { hostPort: 'one:1' }));
  expect(caller.calls).toEqual([]);
  const read = await server.request('GET', `${V2}/a`);
  expect(read.json).toMatchObject({ apiVersion: 'stable.example.com/v2', host: 'one', port: '1' });
  expect(read.json.hostPort).toBeUndefined();

  await server.request('PUT', `${DEFINITIONS}/crontabs.stable.example.com`, {
    ...crd.json,
    spec: definition('v2')['spec'],
  });
  const created = await server.request(
    'POST',
    V2,
    objectOf('b', { host: 'two', port: '2' }, { apiVersion: 'stable.example.com/v2' }),
  );
  expect(created.status, created.text).toBe(201);
  const list = await server.request('GET', V2);
  expect(list.json.items).toMatchObject([
    { apiVersion: 'stable.example.com/v2', host: 'one', port: '1' },
    { apiVersion: 'stable.example.com/v2', host: 'two', port: '2' },
  ]);
  expect((await server.request('GET', V1)).json.items).toMatchObject([{ hostPort: 'one:1' }, { hostPort: 'two:2' }]);

  const watch = await server.watch(`${V1}?watch=1`);
  const patched = await server.request(
    'PATCH',
    `${V1}/b`,
    { hostPort: 'two:3' },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(patched.json.hostPort).toBe('two:3');
  const seen = [await watch.next(), await watch.next(), await watch.next()];
  expect(seen.map(({ type, object }) => [type, object.hostPort])).toEqual([
    ['ADDED', 'one:1'],
    ['ADDED', 'two:2'],
    ['MODIFIED', 'two:3'],
  ]);
  watch.stop();
  expect((await server.request('GET', `${V2}/b`)).json).toMatchObject({ host: 'two', port: '3' });
});

test.each<[string, (review: Review) => object, string]>([
  [
    'refuses',
    (review) => ({ uid: review.request.uid, result: { status: 'Failed', message: 'not today' } }),
    'not today',
  ],
  [
    'answers something else',
    (review) => ({ uid: review.request.uid, result: { status: 'Success' } }),
    'expected 1 converted objects, got 0',
  ],
  [
    'changes the name',
    (review) => ({
      uid: review.request.uid,
      result: { status: 'Success' },
      convertedObjects: [
        { ...review.request.objects[0], apiVersion: 'stable.example.com/v2', metadata: { name: 'x' } },
      ],
    }),
    'must have the same name',
  ],
])('a webhook that %s makes an error that says so', async (_name, answer, message) => {
  const caller = new Caller();
  caller.answer = answer;
  const server = testServer({ webhookCaller: caller });
  await server.request('POST', DEFINITIONS, definition('v1'));
  await server.request('POST', V1, objectOf('a', { hostPort: 'one:1' }));
  const read = await server.request('GET', `${V2}/a`);
  expect(read.status).toBe(500);
  expect(read.json.message).toContain('conversion webhook for stable.example.com/v1, Kind=CronTab failed: ');
  expect(read.json.message).toContain(message);
});

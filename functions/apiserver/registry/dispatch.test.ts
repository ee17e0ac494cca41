import { expect, test } from 'vitest';
import type { AuthorizationAttributes } from '../auth/auth.js';
import { testServer } from './test-server.js';

const PODS = '/api/v1/namespaces/default/pods';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

/** A server that notes what authorisation is asked, and refuses the verbs given. */
function askedServer(...refused: string[]) {
  const asked: AuthorizationAttributes[] = [];
  const authorize = async (attributes: AuthorizationAttributes) => {
    asked.push(attributes);
    return { allowed: !refused.includes(attributes.verb), reason: '' };
  };
  return { ...testServer({ authorizer: { authorize } }), asked };
}

test.each([
  ['GET', `${PODS}/other`, 'other'],
  ['POST', PODS, ''],
  ['DELETE', `${PODS}/other`, 'other'],
])('a field selector means nothing to %s %s', async (method, path, name) => {
  const { request, asked } = askedServer();
  await request(method, `${path}?fieldSelector=spec.nodeName=mine,metadata.name=x`);
  expect(asked[0]).toMatchObject({ name });
  expect(asked[0]?.fieldSelector ?? '').toBe('');
});

test('a list and a deletion of many tell their field selector', async () => {
  const { request, asked } = askedServer();
  await request('GET', `${PODS}?fieldSelector=metadata.name=x`);
  await request('DELETE', `${PODS}?fieldSelector=metadata.name=x`);
  for (const attributes of asked) expect(attributes).toMatchObject({ name: 'x', fieldSelector: 'metadata.name=x' });
});

test('the old form of watches reads, and no other verb hides behind it', async () => {
  const { request } = askedServer();
  await request('POST', LEASES, { metadata: { name: 'a' }, spec: {} });
  const path = LEASES.replace('/v1/', '/v1/watch/');
  expect((await request('PUT', `${path}/a`, { metadata: { name: 'a' }, spec: {} })).status).toBe(405);
  expect((await request('DELETE', `${path}/a`)).status).toBe(405);
  expect((await request('GET', `${LEASES}/a`)).status).toBe(200);
  const log = `${PODS.replace('/v1/', '/v1/watch/')}/p/log`;
  expect((await request('GET', log)).status).toBe(405);
});

test('a PUT that creates needs the right to create', async () => {
  const { request } = askedServer('create');
  const answer = await request('PUT', `${LEASES}/a`, { metadata: { name: 'a' }, spec: {} });
  expect(answer.status).toBe(403);
  expect(answer.json.message).toContain('cannot create resource "leases"');
  expect((await request('GET', `${LEASES}/a`)).status).toBe(404);
});

test('what follows a subresource is no part of it', async () => {
  const { request } = askedServer();
  expect((await request('GET', '/api/v1/namespaces/default/status/x')).status).toBe(404);
  await request('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  expect((await request('GET', '/api/v1/namespaces/default/status')).status).toBe(200);
  expect((await request('GET', '/api/v1/namespaces/default/status/x')).status).toBe(404);
});

import { expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock/fake.js';
import { StoreError, type StoreErrorCode } from '../../../lib/store/errors.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import type { Changes, Store } from '../../../lib/store/store.js';
import { IN_FLIGHT_MAX, WATCH_BACKLOG_MAX_BYTES } from './limits.js';
import { ADMIN, testServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

/** A memory store whose next calls fail as told. */
function brittleStore(): { store: Store; fail(method: 'write' | 'get', error: unknown): void; memory: MemoryStore } {
  const memory = new MemoryStore({ clock: new FakeClock() });
  const failures: Partial<Record<string, unknown>> = {};
  const store = new Proxy(memory, {
    get(target, property: keyof MemoryStore) {
      const value = target[property];
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        const failure = failures[property];
        delete failures[property];
        if (failure !== undefined) throw failure;
        return (value as (...all: unknown[]) => unknown).apply(target, given);
      };
    },
  });
  return { store, memory, fail: (method, error) => void (failures[method] = error) };
}

test.each([
  ['unavailable', 503, 'ServiceUnavailable'],
  ['unknown', 504, 'Timeout'],
  ['too-large', 413, 'RequestEntityTooLarge'],
] satisfies [StoreErrorCode, number, string][])('a store that says %s is a Status', async (code, status, reason) => {
  const { store, fail } = brittleStore();
  const { request } = testServer({ store });
  fail('write', new StoreError(code, 'x', { retryAfterMs: 1_500 }));
  const answer = await request('POST', MAPS, { metadata: { name: 'a' } });
  expect(answer.status).toBe(status);
  expect(answer.json.reason).toBe(reason);
  if (code === 'unavailable') expect(answer.headers.get('retry-after')).toBe('2');
});

test('a defect is logged under the id that the client gets, and nothing else leaves', async () => {
  const { store, fail } = brittleStore();
  const logged: Record<string, unknown>[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (data: Record<string, unknown>) => logged.push(data),
  };
  const { request } = testServer({ store, log });
  fail('get', new TypeError('secret detail'));
  const answer = await request('GET', `${MAPS}/a`);
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret');
  expect(answer.json.message).toContain(answer.headers.get('audit-id'));
  expect(logged[0]).toMatchObject({
    requestId: answer.headers.get('audit-id'),
    error: expect.stringContaining('secret'),
  });
});

test('requests above the bound are told to come back', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const { request } = testServer({
    authorizer: {
      authorize: async () => {
        await gate;
        return { allowed: true, reason: '' };
      },
    },
  });
  const waiting = Array.from({ length: IN_FLIGHT_MAX }, () => request('GET', MAPS));
  const refused = await request('GET', MAPS);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  release();
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  expect((await request('GET', MAPS)).status).toBe(200);
});

test('a watcher that does not read is ended, and the others go on', async () => {
  const { server, request, watch } = testServer();
  await request('POST', MAPS, { metadata: { name: 'a' } });
  const abort = new AbortController();
  const response = await server.handle({
    method: 'GET',
    path: MAPS,
    query: 'watch=1&resourceVersion=2',
    header: () => undefined,
    body: async () => new Uint8Array(0),
    signal: abort.signal,
  });
  const slow = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const first = slow.next();
  const other = await watch(`${MAPS}?watch=1&resourceVersion=2&fieldSelector=metadata.name%3Db`);
  const filler = 'x'.repeat(900_000);
  const writes = 2 * Math.ceil(WATCH_BACKLOG_MAX_BYTES / filler.length);
  for (let count = 0; count < writes; count++) {
    await request('PUT', `${MAPS}/a`, { metadata: { name: 'a' }, data: { filler, count: String(count) } });
  }
  await first;
  let frames = 0;
  for (let next = await slow.next(); next.done !== true; next = await slow.next()) {
    frames += Buffer.from(next.value).toString().split('\n').length - 1;
  }
  expect(frames).toBeLessThan(writes);
  await request('POST', MAPS, { metadata: { name: 'b' } });
  expect(await other.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
  other.stop();
});

test('a watch survives a store that is away for a moment', async () => {
  const clock = new FakeClock();
  const memory = new MemoryStore({ clock });
  let failures = 2;
  const store = new Proxy(memory, {
    get(target, property: keyof MemoryStore) {
      if (property !== 'watch') {
        const value = target[property];
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async function* (collection: string, after: number, signal: AbortSignal): AsyncGenerator<Changes> {
        if (failures-- > 0) throw new StoreError('unavailable', 'x');
        yield* target.watch(collection, after, signal);
      };
    },
  });
  const { request, watch } = testServer({ store, clock });
  const events = await watch(`${MAPS}?watch=1`);
  await request('POST', MAPS, { metadata: { name: 'a' } });
  await clock.advance(1_000);
  expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  events.stop();
});

test('without credentials only health and version answer; impersonation is honoured', async () => {
  const { request } = testServer({
    authenticator: { authenticate: async ({ authorization }) => (authorization === 'Bearer x' ? ADMIN : undefined) },
    reviews: {
      SelfSubjectReview: { create: async ({ call, body }) => ({ ...body, status: { userInfo: call.user } }) },
    },
  });
  for (const path of ['/livez', '/readyz', '/healthz', '/version'])
    expect((await request('GET', path)).status).toBe(200);
  for (const path of ['/', '/api', '/metrics', '/openapi/v2', MAPS]) {
    const { status, json } = await request('GET', path);
    expect(status).toBe(401);
    expect(json.reason).toBe('Unauthorized');
  }
  const headers = {
    authorization: 'Bearer x',
    'impersonate-user': 'jane',
    'impersonate-group': 'a',
    'impersonate-extra-team': 'b',
  };
  const review = await request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, headers);
  expect(review.json.status.userInfo).toMatchObject({
    username: 'jane',
    groups: ['a', 'system:authenticated'],
    extra: { team: ['b'] },
  });
});

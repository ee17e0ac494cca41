import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiFunction } from '../../functions/apiserver/function.js';
import type { ResponseStream, StreamHead } from '../../functions/lambda/url-host.js';
import { configMaps, deployments } from '../../lib/client/resources.js';
import { CloudCluster, CONTEXT, urlEvent } from '../support/cloud-cluster.js';

/** What Lambda gives a function to write to. */
class FakeStream extends EventEmitter implements ResponseStream {
  readonly chunks: Uint8Array[] = [];
  ended = false;
  head: StreamHead | undefined;

  write(chunk: Uint8Array): boolean {
    this.chunks.push(chunk);
    return true;
  }

  end(): void {
    this.ended = true;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

// Other tests are at work on the same machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: CloudCluster;
let api: ApiFunction;
let authorization: Record<string, string>;

beforeEach(async () => {
  cluster = new CloudCluster({ nodes: 0 });
  await cluster.start();
  api = cluster.apiFunction();
  authorization = { authorization: `Bearer ${await cluster.adminToken()}` };
});
afterEach(() => cluster.stop());

type Answer = { statusCode: number; headers: Record<string, string>; body: string };

async function ask(method: string, path: string, more: Parameters<typeof urlEvent>[2] = {}): Promise<Answer> {
  const event = urlEvent(method, path, { ...more, headers: { ...authorization, ...more.headers } });
  const answer = await cluster.drive(api.buffer(event, CONTEXT));
  return {
    statusCode: answer.statusCode ?? 0,
    headers: answer.headers as Record<string, string>,
    body: Buffer.from(answer.body ?? '', 'base64').toString(),
  };
}

function stream(path: string): { to: FakeStream; done: Promise<void> } {
  const to = new FakeStream();
  const event = urlEvent('GET', path, { headers: authorization });
  const done = api.stream(event, CONTEXT, (head) => {
    to.head = head;
    return to;
  });
  return { to, done };
}

const MAPS = '/api/v1/namespaces/default/configmaps';

describe('the API server behind a function URL', () => {
  it('answers requests with and without bodies, text or base64', async () => {
    const json = { 'content-type': 'application/json' };
    const made = await ask('POST', MAPS, {
      headers: json,
      body: JSON.stringify({ metadata: { name: 'one' }, data: { c: 'ö' } }),
    });
    expect([made.statusCode, made.headers['content-type']]).toEqual([201, 'application/json']);
    const patch = await ask('PATCH', `${MAPS}/one`, {
      headers: { 'content-type': 'application/merge-patch+json' },
      body: Buffer.from('{"data":{"a":"b"}}'),
    });
    expect(JSON.parse(patch.body)).toMatchObject({ data: { c: 'ö', a: 'b' } });
    const head = await ask('HEAD', MAPS);
    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect((await ask('DELETE', `${MAPS}/one`)).statusCode).toBe(200);
    expect((await ask('GET', `${MAPS}/one`)).statusCode).toBe(404);
  });

  it('binary answers arrive as they are', async () => {
    const answer = await cluster.drive(
      api.buffer(
        urlEvent('GET', '/openapi/v2', {
          headers: { ...authorization, accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' },
        }),
        CONTEXT,
      ),
    );
    const bytes = Buffer.from(answer.body ?? '', 'base64');
    expect(answer.statusCode).toBe(200);
    expect(bytes.length).toBeGreaterThan(100_000);
    expect(bytes[0]).toBe(0x0a);
  });

  it('asks who it is, and takes no wrong token', async () => {
    authorization = {};
    expect((await ask('GET', MAPS)).statusCode).toBe(401);
    expect((await ask('GET', MAPS, { headers: { authorization: 'Bearer no' } })).statusCode).toBe(401);
    expect((await ask('GET', '/readyz')).statusCode).toBe(200);
  });

  it('streams a watch, and ends it in order with a bookmark from which the next one goes on', async () => {
    const { to, done } = stream(`${MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=1`);
    await cluster.clock.advance(100);
    expect(to.head?.statusCode).toBe(200);
    expect(to.head?.headers).not.toHaveProperty('transfer-encoding');
    await cluster.client.create(configMaps, { metadata: { namespace: 'default', name: 'seen' } });
    await cluster.clock.advance(3_000);
    expect(to.text).toContain('"name":"seen"');
    expect(to.ended).toBe(false);
    await cluster.clock.advance(300_000);
    await done;
    expect(to.ended).toBe(true);
    const lines = to.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { metadata: { resourceVersion: string } } });
    const last = lines.at(-1);
    expect(last?.type).toBe('BOOKMARK');
    await cluster.client.create(configMaps, { metadata: { namespace: 'default', name: 'later' } });
    const next = stream(`${MAPS}?watch=true&resourceVersion=${last?.object.metadata.resourceVersion}`);
    await cluster.clock.advance(3_000);
    expect(next.to.text).toContain('"name":"later"');
    expect(next.to.text).not.toContain('"name":"seen"');
    next.to.emit('close');
    await cluster.drive(next.done);
    expect(next.to.ended).toBe(true);
  });

  it('says clearly what is not possible, since nothing reaches a node', async () => {
    const json = { 'content-type': 'application/json' };
    const pod = {
      metadata: { name: 'one' },
      spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false },
    };
    const account = JSON.stringify({ metadata: { name: 'default' } });
    await ask('POST', '/api/v1/namespaces/default/serviceaccounts', { headers: json, body: account });
    const path = '/api/v1/namespaces/default/pods';
    expect((await ask('POST', path, { headers: json, body: JSON.stringify(pod) })).statusCode).toBe(201);
    const logs = await ask('GET', `${path}/one/log`);
    expect(JSON.parse(logs.body)).toMatchObject({
      kind: 'Status',
      code: 503,
      message: 'the log of pod one cannot be read: this API server has no connection to node node-1',
    });
    for (const [method, request, what] of [
      ['POST', 'exec?command=ls&container=c', 'exec into a container'],
      ['POST', 'attach?container=c', 'attaching to a container'],
      ['POST', 'portforward?ports=80', 'forwarding a port of a pod'],
    ] as const) {
      const answer = await ask(method, `${path}/one/${request}`);
      expect(JSON.parse(answer.body)).toMatchObject({
        kind: 'Status',
        code: 501,
        reason: 'NotImplemented',
        message: `${what} is not possible: this API server has no connection to nodes`,
      });
    }
  });

  it('has so many places for watches, over all environments, and says when to come again', async () => {
    const environments = [api, cluster.apiFunction(), cluster.apiFunction()];
    const open: { to: FakeStream; done: Promise<void> }[] = [];
    for (let index = 0; index < 100; index++) {
      api = environments[index % environments.length] as ApiFunction;
      open.push(stream(`${MAPS}?watch=true`));
    }
    await cluster.clock.advance(200);
    expect(open.every(({ to }) => to.head?.statusCode === 200)).toBe(true);
    const refused = stream(`${MAPS}?watch=true`);
    await cluster.drive(refused.done);
    expect([refused.to.head?.statusCode, refused.to.head?.headers['retry-after']]).toEqual([429, '5']);
    expect((await ask('GET', MAPS)).statusCode).toBe(200);
    // Looks without an open end need no place.
    expect((await ask('GET', `${MAPS}?watch=true&resourceVersion=1&zeroplaneCatchUp=true`)).statusCode).toBe(200);
    open[0]?.to.emit('close');
    await cluster.clock.advance(500);
    const next = stream(`${MAPS}?watch=true`);
    await cluster.clock.advance(100);
    expect(next.to.head?.statusCode).toBe(200);
    for (const { to } of [...open, next]) to.emit('close');
    await cluster.clock.advance(1_000);
    await Promise.all([...open, next].map(({ done }) => done));
  });

  it('where nothing can be streamed, a watch ends when it has told something, or after some seconds', async () => {
    await cluster.clock.advance(10_000);
    const startMs = cluster.clock.now();
    const silent = await ask(
      'GET',
      `${MAPS}?watch=true&resourceVersion=${(await cluster.client.list(configMaps)).resourceVersion}`,
    );
    expect([silent.statusCode, silent.body]).toEqual([200, '']);
    expect(cluster.clock.now() - startMs).toBeLessThan(10_000);
    // Who takes bookmarks gets one: an answer without a word would be an error to it.
    const { resourceVersion } = await cluster.client.list(configMaps);
    const marked = await ask('GET', `${MAPS}?watch=1&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`);
    expect(JSON.parse(marked.body)).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion } } });
    await cluster.client.create(configMaps, { metadata: { namespace: 'default', name: 'told' } });
    // What is there, the bookmark that says so, and one more at the end.
    const list = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const whole = (await ask('GET', `${MAPS}?watch=true&${list}&timeoutSeconds=400`)).body.trim().split('\n');
    const marks = whole.map(
      (line) => JSON.parse(line) as { type: string; object: { metadata: { annotations?: object } } },
    );
    expect(marks.slice(-2).map(({ type, object }) => [type, object.metadata.annotations !== undefined])).toEqual([
      ['BOOKMARK', true],
      ['BOOKMARK', false],
    ]);
    const told = await ask('GET', `${MAPS}?watch=true&resourceVersion=1`);
    expect(told.body).toContain('"name":"told"');
    expect(cluster.heartbeats.items().filter(({ pk, end }) => pk.endsWith('#watches') && end !== 0)).toEqual([]);
  });

  it('an answer that a function cannot give is refused with a way out', async () => {
    const data = { large: 'x'.repeat(900_000) };
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        cluster.client.create(configMaps, { metadata: { namespace: 'default', name: `large-${index}` }, data }),
      ),
    );
    const refused = await ask('GET', MAPS);
    expect(refused.statusCode).toBe(413);
    expect(refused.body).toContain('limit and continue');
    expect((await ask('GET', `${MAPS}?limit=3`)).statusCode).toBe(200);
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'hello'],
    ['a queue event', { Records: [{ body: '{}' }] }],
    ['a path that is none', { rawPath: 'x', requestContext: { http: { method: 'GET' } } }],
    ['no method', { rawPath: '/api', requestContext: { http: {} } }],
    ['a body that is none', { rawPath: '/api', requestContext: { http: { method: 'POST' } }, body: { a: 1 } }],
  ])('answers %s with a 400', async (_what, event) => {
    const answer = await cluster.drive(api.buffer(event, CONTEXT));
    expect(answer.statusCode).toBe(400);
    const to = new FakeStream();
    await cluster.drive(api.stream(event, CONTEXT, (head) => ((to.head = head), to)));
    expect([to.head?.statusCode, to.ended]).toEqual([400, true]);
  });

  it('a body that is too large, or no base64, is told so', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await ask('POST', MAPS, { headers: json, body: 'x'.repeat(4_000_000) })).statusCode).toBe(413);
    expect((await ask('POST', MAPS, { headers: json, body: Buffer.alloc(4_000_000) })).statusCode).toBe(413);
    const event = {
      ...urlEvent('POST', MAPS, { headers: { ...authorization, ...json } }),
      body: '%%%',
      isBase64Encoded: true,
    };
    expect((await cluster.drive(api.buffer(event, CONTEXT))).statusCode).toBe(400);
  });

  it('a new cluster has its first objects with its first request', async () => {
    expect(await cluster.client.find(deployments, { namespace: 'default', name: 'none' })).toBeUndefined();
    const { body } = await ask('GET', '/api/v1/namespaces');
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
      expect(body).toContain(`"name":"${name}"`);
  });
});

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { unauthorized } from '../../../lib/api/errors.js';
import { ADMIN, testServer, type TestServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen({ server }: TestServer): Promise<string> {
  const host = http.createServer();
  host.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    host.close();
  });
  return `ws://127.0.0.1:${(host.address() as AddressInfo).port}`;
}

function messages(client: WebSocket): () => Promise<{ type: string; object: { metadata: { name: string } } }> {
  const waiting: ((text: string) => void)[] = [];
  const ready: string[] = [];
  client.on('message', (data: Buffer) => {
    const text = data.toString();
    const next = waiting.shift();
    if (next === undefined) ready.push(text);
    else next(text);
  });
  return async () => JSON.parse(ready.shift() ?? (await new Promise<string>((resolve) => waiting.push(resolve))));
}

test('a watch over WebSocket sends one event per message', async () => {
  const server = testServer();
  const url = await listen(server);
  const client = new WebSocket(`${url}${MAPS}?watch=1`);
  const next = messages(client);
  await new Promise((resolve) => client.once('open', resolve));
  await server.request('POST', MAPS, { metadata: { name: 'a' } });
  await server.request('POST', MAPS, { metadata: { name: 'b' } });
  expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
  client.terminate();
});

test('the token may come as a subprotocol; without one there is no connection', async () => {
  const server = testServer({
    authenticator: {
      authenticate: async ({ authorization }) => {
        if (authorization === 'Bearer secret') return ADMIN;
        throw unauthorized();
      },
    },
  });
  const url = await listen(server);
  const refused = new WebSocket(`${url}${MAPS}?watch=1`);
  const status = await new Promise((resolve) => {
    refused.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    refused.on('error', () => undefined);
  });
  expect(status).toBe(401);

  const token = Buffer.from('secret').toString('base64url');
  const client = new WebSocket(`${url}${MAPS}?watch=1`, [
    `base64url.bearer.authorization.k8s.io.${token}`,
    'base64.binary.k8s.io',
  ]);
  await new Promise((resolve) => client.once('open', resolve));
  expect(client.protocol).toBe('base64.binary.k8s.io');
  const event = new Promise<string>((resolve) => client.once('message', (data: Buffer) => resolve(data.toString())));
  await server.request('POST', MAPS, { metadata: { name: 'a' } }, { authorization: 'Bearer secret' });
  expect(JSON.parse(Buffer.from(await event, 'base64').toString())).toMatchObject({ type: 'ADDED' });
  client.terminate();
});

test('what is no watch is refused with a Status', async () => {
  const url = await listen(testServer());
  for (const [path, status] of [
    ['/api/v1/namespaces/default/pods/x/exec?command=ls', 501],
    ['/api/v1/nothing?watch=1', 404],
    ['/version', 404],
  ] as const) {
    const client = new WebSocket(url + path);
    const got = await new Promise((resolve) => {
      client.once('unexpected-response', (_request, response) => resolve(response.statusCode));
      client.on('error', () => undefined);
    });
    expect(got).toBe(status);
  }
});

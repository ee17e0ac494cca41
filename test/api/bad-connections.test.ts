import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isStreamed } from '../../functions/apiserver/registry/request.js';
import { eventually } from '../support/eventually.js';
import { serve, startApi, type TestApi, type TestHost } from './support/api.js';
import { openTcp, RawConnection } from './support/raw-connection.js';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const BODY_MAX_BYTES = 3 * 1024 * 1024;

/** Short enough to wait for, long enough for a busy machine. */
const LIMITS = { handshakeMs: 1_000, headersMs: 1_000, requestMs: 2_000, stallMs: 1_500, lingerMs: 2_000 };

let api: TestApi;
let host: TestHost;
beforeAll(async () => {
  api = await startApi({ retentionEventsMax: 100 });
  host = await serve(api, LIMITS);
});
afterAll(async () => {
  await host.close();
  expect(api.errors).toEqual([]);
  await api.close();
});

async function healthy(): Promise<void> {
  const connection = await RawConnection.open(host);
  connection.request('GET', '/api/v1/namespaces/default');
  expect((await connection.answer()).status).toBe(200);
  connection.destroy();
}

async function openWatches(): Promise<number> {
  const metrics = (await api.request('GET', '/metrics')).text;
  return Number(/^apiserver_longrunning_requests(?:\{.*\})? (\d+)$/m.exec(metrics)?.[1]);
}

test('a client that never finishes its headers is cut off', async () => {
  const connection = await RawConnection.open(host, { holds: true });
  connection.send('GET /api/v1/namespaces HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => connection.send('x-slow: 1\r\n'), 100);
  expect((await connection.answer()).status).toBe(408);
  await connection.closed;
  clearInterval(drip);
  await healthy();
});

test('a connection on which nothing is ever said is closed', async () => {
  const connection = await RawConnection.open(host);
  await connection.closed;
  const plain = await openTcp(host);
  await new Promise((resolve) => plain.on('close', resolve));
});

test('a body that takes too long is cut off, and nothing of it is stored', async () => {
  const connection = await RawConnection.open(host);
  connection.send(
    `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"metadata":`,
  );
  const drip = setInterval(() => connection.isOpen && connection.send(' '), 100);
  expect((await connection.answer()).status).toBe(408);
  await connection.closed;
  clearInterval(drip);
  await healthy();
});

test('a client that goes away in the middle of its body has asked for nothing', async () => {
  const connection = await RawConnection.open(host);
  const body = '{"metadata":{"name":"half"}}';
  connection.send(
    `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length + 5}\r\n\r\n${body}`,
  );
  await sleep(50);
  connection.destroy();
  await sleep(50);
  expect((await api.request('GET', `${CONFIG_MAPS}/half`)).status).toBe(404);
  expect(api.errors).toEqual([]);
});

test('bytes that are no TLS, and no HTTP', async () => {
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000garbage', '\0'.repeat(5_000)]) {
    const plain = await openTcp(host);
    plain.write(garbage);
    plain.resume();
    await new Promise((resolve) => plain.on('close', resolve));
  }
  for (const garbage of [
    'hello\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
    'GET /api HTTP/9.9\r\n\r\n',
    'GET  HTTP/1.1\r\n\r\n',
    'GET /a b HTTP/1.1\r\nhost: x\r\n\r\n',
  ]) {
    const connection = await RawConnection.open(host);
    connection.send(garbage);
    expect((await connection.answer()).status, garbage).toBe(400);
    await connection.closed;
  }
  await healthy();
});

test('requests that could be read in two ways are refused', async () => {
  const smuggled = `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\n`;
  for (const headers of [
    'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'content-length: 5\r\ncontent-length: 6\r\n\r\nhello',
    'content-length: -1\r\n\r\n',
    'transfer-encoding: chunked\r\n\r\nzz\r\n',
  ]) {
    const connection = await RawConnection.open(host);
    connection.send(smuggled + headers);
    expect((await connection.answer()).status, headers).toBe(400);
    await connection.closed;
  }
  await healthy();
});

test('headers of 300 kB are read, of 2 MB refused', async () => {
  const long = await RawConnection.open(host);
  long.request('GET', `${CONFIG_MAPS}?labelSelector=${encodeURIComponent(`a in (${'value,'.repeat(30_000)}b)`)}`);
  expect((await long.answer()).json).toMatchObject({ kind: 'ConfigMapList', items: [] });
  long.destroy();
  const longer = await RawConnection.open(host);
  longer.request('GET', `/api?x=${'y'.repeat(2 * 1024 * 1024)}`);
  expect((await longer.answer()).status).toBe(431);
  await longer.closed;
});

test('a body over the limit is answered with 413, and the next request on the connection too', async () => {
  const tooLarge = {
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${BODY_MAX_BYTES}`,
  };
  const stated = await RawConnection.open(host);
  stated.request('POST', CONFIG_MAPS, { body: Buffer.alloc(BODY_MAX_BYTES + 1, ' ') });
  const answer = await stated.answer();
  expect(answer.json).toMatchObject(tooLarge);
  expect(answer.headers.connection).toBe('close');
  await stated.closed;

  const chunked = await RawConnection.open(host);
  chunked.send(
    `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, ' '), Buffer.from('\r\n')]);
  for (let sent = 0; sent < 64; sent++) chunked.send(chunk);
  expect((await chunked.answer()).json).toMatchObject(tooLarge);
  chunked.send('0\r\n\r\n');
  await chunked.closed;

  // Nobody waits for an upload that never ends.
  const endless = await RawConnection.open(host);
  endless.send(
    `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000000000\r\n\r\n`,
  );
  const drip = setInterval(() => endless.isOpen && endless.send(chunk), 20);
  expect((await endless.answer()).json).toMatchObject(tooLarge);
  await endless.closed;
  clearInterval(drip);
  await healthy();
});

test('a refused request leaves a connection with a small unread body usable', async () => {
  const connection = await RawConnection.open(host);
  const body = ' '.repeat(100_000);
  connection.send(`POST /version HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
  expect((await connection.answer()).json).toMatchObject({ code: 405 });
  connection.send(body.slice(10));
  connection.request('GET', '/api/v1/namespaces/default');
  expect((await connection.answer()).json).toMatchObject({ kind: 'Namespace' });
  connection.destroy();
});

test('pipelined requests are answered in their order', async () => {
  const connection = await RawConnection.open(host);
  for (let index = 0; index < 50; index++) {
    connection.request('POST', CONFIG_MAPS, { body: JSON.stringify({ metadata: { name: `piped-${index}` } }) });
    connection.request('GET', `${CONFIG_MAPS}/piped-${index}`);
  }
  for (let index = 0; index < 50; index++) {
    const created = await connection.answer();
    expect(created.status).toBe(201);
    expect(created.json.metadata.name).toBe(`piped-${index}`);
    const read = await connection.answer();
    // Pipelined requests of HTTP/1.1 may be worked on at the same time.
    expect([200, 404]).toContain(read.status);
  }
  connection.destroy();
  expect((await api.request('GET', `${CONFIG_MAPS}?limit=500`)).json.items.length).toBeGreaterThanOrEqual(50);
});

test('HEAD has no body, and never watches', async () => {
  const connection = await RawConnection.open(host);
  connection.request('HEAD', `${CONFIG_MAPS}/piped-1`);
  const head = await connection.answer('HEAD');
  expect(head.status).toBe(200);
  expect(Number(head.headers['content-length'])).toBeGreaterThan(100);
  connection.request('HEAD', `${CONFIG_MAPS}?watch=true`);
  expect((await connection.answer('HEAD')).status).toBe(200);
  connection.request('HEAD', '/api/v1/watch/configmaps');
  expect((await connection.answer('HEAD')).status).toBe(405);
  connection.request('GET', `${CONFIG_MAPS}/piped-1`);
  expect((await connection.answer()).status).toBe(200);
  connection.destroy();
  expect(await openWatches()).toBe(0);
});

test('a client that has said all it will say is answered, and its watch ends', async () => {
  const one = await RawConnection.open(host);
  one.request('GET', '/api/v1/namespaces/default');
  expect((await one.answer()).status).toBe(200);
  one.halfClose();
  await one.closed;

  const watching = await RawConnection.open(host);
  watching.request('GET', `${CONFIG_MAPS}?watch=true&resourceVersion=0`);
  expect(await watching.line()).toContain('200');
  await eventually(async () => expect(await openWatches()).toBe(1));
  watching.halfClose();
  await watching.closed;
  await eventually(async () => expect(await openWatches()).toBe(0));
});

test('without a credential there is 401, whatever is asked', async () => {
  const connection = await RawConnection.open(host, { anonymous: true });
  connection.request('GET', CONFIG_MAPS);
  expect((await connection.answer()).json).toMatchObject({
    code: 401,
    reason: 'Unauthorized',
    message: 'Unauthorized',
  });
  connection.request('GET', '/nothing', { headers: { authorization: 'Bearer none' } });
  expect((await connection.answer()).json).toMatchObject({ code: 401 });
  connection.request('GET', '/version');
  expect((await connection.answer()).json).toMatchObject({ major: '1' });
  connection.destroy();
});

test('2,000 idle watches in the process and 100 over HTTPS are open while writes go on, and all hear of them', async () => {
  const stop = new AbortController();
  let heard = 0;
  setMaxListeners(0, stop.signal);
  const idle: Promise<void>[] = [];
  const listen = async (path: string): Promise<void> => {
    const { status, body } = await api.handle({ method: 'GET', path, signal: stop.signal });
    if (!isStreamed(body)) throw new Error(`no watch: ${status}`);
    const read = async (): Promise<void> => {
      for await (const chunk of body) if (Buffer.from(chunk).includes('"name":"heard"')) heard++;
    };
    idle.push(read());
  };
  for (let index = 0; index < 1_900; index++) {
    const kind = ['pods', 'secrets', 'services', 'endpoints'][index % 4] ?? '';
    await listen(`/api/v1/namespaces/default/${kind}?watch=1&resourceVersion=0&labelSelector=a%3D${index}`);
  }
  for (let index = 0; index < 100; index++) await listen(`${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Dheard`);
  const remote: RawConnection[] = [];
  for (let index = 0; index < 100; index++) {
    const connection = await RawConnection.open(host);
    connection.request('GET', `${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Dheard`);
    remote.push(connection);
  }
  await eventually(async () => expect(await openWatches()).toBe(2_100));

  for (let index = 0; index < 200; index++) {
    expect((await api.request('POST', CONFIG_MAPS, { metadata: { name: `busy-${index}` } })).status).toBe(201);
  }
  await api.request('POST', CONFIG_MAPS, { metadata: { name: 'heard' } });
  await eventually(async () => expect(heard).toBe(100));
  for (const connection of remote) {
    let line = '';
    while (!line.startsWith('{"type"')) line = await connection.line();
    expect(line).toContain('"name":"heard"');
    connection.destroy();
  }
  stop.abort();
  await Promise.all(idle);
  await eventually(async () => expect(await openWatches()).toBe(0));
});

test('watchers that read nothing cost bounded memory and are ended', { timeout: 60_000 }, async () => {
  const name = `${CONFIG_MAPS}/large`;
  await api.request('POST', CONFIG_MAPS, { metadata: { name: 'large' } });
  const deaf: RawConnection[] = [];
  for (let index = 0; index < 20; index++) {
    const connection = await RawConnection.open(host, { paused: true });
    connection.request('GET', `${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Dlarge`);
    deaf.push(connection);
  }
  const inProcess = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=0`);
  await eventually(async () => expect(await openWatches()).toBe(21));
  const before = memoryBytes();
  for (let round = 0; round < 250; round++) {
    await api.request('PATCH', name, { data: { a: `${round}${'x'.repeat(200_000)}` } }, MERGE);
  }
  // 50 MB have gone by for each of 21 watchers: one backlog that they share, the log and the sockets' buffers remain.
  expect(memoryBytes() - before).toBeLessThan(100 * 1024 * 1024);
  await eventually(async () => expect(await openWatches()).toBe(1));
  for (const connection of deaf) connection.destroy();
  inProcess.stop();
  while ((await inProcess.next()) !== undefined) continue;
  expect(await openWatches()).toBe(0);
});

let collect: (() => void) | undefined;

function memoryBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('large bodies behind large answers that are still on their way are read', async () => {
  const data = { text: 'x'.repeat(900_000) };
  await api.request('POST', CONFIG_MAPS, { metadata: { name: 'large' }, data });
  const connection = await RawConnection.open(host);
  const path = `${CONFIG_MAPS}/large`;
  for (let round = 0; round < 5; round++) {
    connection.request('GET', path);
    const body = JSON.stringify({ metadata: { name: 'large' }, data: { ...data, round: String(round) } });
    connection.request('PUT', path, { body });
    expect((await connection.answer()).status).toBe(200);
    expect((await connection.answer()).json.data.round).toBe(String(round));
  }
  connection.destroy();
  await api.request('DELETE', path);
});

import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import https from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STREAMS_MAX } from '../../cli/http2-sessions.js';
import { REQUEST_BODY_MAX_BYTES } from '../../functions/apiserver/registry/limits.js';
import { serve, startApi, type TestApi, type TestHost } from './support/api.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

let api: TestApi;
let host: TestHost;
let session: ClientHttp2Session;
beforeAll(async () => {
  api = await startApi();
  host = await serve(api, { stallMs: 2_000, headersMs: 1_000, requestMs: 1_000 });
  session = await connect();
});
afterAll(async () => {
  session.destroy();
  await host.close();
  await api.close();
});

async function connect(): Promise<ClientHttp2Session> {
  const { cert, key } = host.admin;
  const opened = http2.connect(`https://localhost:${host.port}`, { ca: host.ca, cert, key });
  await new Promise<void>((resolve, reject) => opened.once('remoteSettings', () => resolve()).once('error', reject));
  return opened;
}

interface Http2Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function open(method: string, path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  return session.request(
    { ':method': method, ':path': path, ...headers },
    { endStream: method === 'GET' || method === 'HEAD' },
  );
}

async function ask(method: string, path: string, body?: string): Promise<Http2Answer> {
  const stream = open(method, path, { 'content-type': 'application/json' });
  const answered = headersOf(stream);
  if (body !== undefined) stream.end(body);
  const headers = await answered;
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += String(chunk);
  return { status: Number(headers[':status']), headers, text };
}

function headersOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));
}

test('whoever asks for HTTP/2 gets it, with the identity of its certificate; all others get HTTP/1.1', async () => {
  expect(session.alpnProtocol).toBe('h2');
  expect(session.remoteSettings.maxConcurrentStreams).toBe(STREAMS_MAX);
  const made = await ask('POST', MAPS, JSON.stringify({ metadata: { name: 'one' }, data: { a: 'ü' } }));
  expect(made).toMatchObject({ status: 201, headers: { 'content-type': 'application/json' } });
  const read = await ask('GET', `${MAPS}/one`);
  expect(JSON.parse(read.text).data).toEqual({ a: 'ü' });
  expect(Number(read.headers['content-length'])).toBe(Buffer.byteLength(read.text));
  const review = await ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', '{}');
  expect(JSON.parse(review.text).status.userInfo.groups).toContain('system:masters');
  expect(await ask('HEAD', `${MAPS}/one`)).toMatchObject({ status: 200, text: '' });
  expect((await ask('GET', `${MAPS}/none`)).status).toBe(404);

  const version = await new Promise<string>((resolve, reject) => {
    const { cert, key } = host.admin;
    const options = { port: host.port, host: 'localhost', path: '/version', ca: host.ca, cert, key };
    https.get(options, (response) => resolve(response.httpVersion)).once('error', reject);
  });
  expect(version).toBe('1.1');
});

test('many watches and requests share one connection', async () => {
  const count = 150;
  const streams = Array.from({ length: count }, (_, index) =>
    open('GET', `${MAPS}?watch=true&resourceVersion=0&fieldSelector=metadata.name=w-${index}`),
  );
  await Promise.all(streams.map(headersOf));
  const events = streams.map(firstLine);
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      ask('POST', MAPS, JSON.stringify({ metadata: { name: `w-${index}` } })),
    ),
  );
  for (const [index, event] of (await Promise.all(events)).entries()) {
    expect(JSON.parse(event)).toMatchObject({ type: 'ADDED', object: { metadata: { name: `w-${index}` } } });
  }
  for (const stream of streams) stream.close();
});

async function firstLine(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text;
}

test('bodies that are too long or never end are refused, and the connection lives on', async () => {
  const long = open('POST', MAPS, { 'content-type': 'application/json' });
  long.on('error', () => undefined);
  const answered = headersOf(long);
  long.write('x'.repeat(REQUEST_BODY_MAX_BYTES + 1));
  expect((await answered)[':status']).toBe(413);
  const endless = open('POST', MAPS, { 'content-type': 'application/json' });
  const ended = new Promise<void>((resolve) => endless.once('close', resolve).on('error', () => undefined));
  endless.write('{');
  await ended;
  expect((await ask('GET', `${MAPS}/one`)).status).toBe(200);
});

test('a client that reads nothing holds no stream for ever', async () => {
  const slow = await connect();
  const data = 'x'.repeat(900_000);
  for (const name of ['big-1', 'big-2'])
    await ask('POST', MAPS, JSON.stringify({ metadata: { name }, data: { data } }));
  const stream = slow.request({ ':method': 'GET', ':path': MAPS });
  await headersOf(stream);
  stream.pause();
  const ended = new Promise<void>((resolve) => stream.once('close', resolve).on('error', () => undefined));
  await ended;
  expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
  slow.destroy();
});

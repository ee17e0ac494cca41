import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { withPartialMetadata } from '../../../lib/schema/protobuf/partial-metadata.js';
import { decodeProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import { kinds } from '../resources/index.js';
import { KIND_SAMPLES } from './kind-samples.js';
import { testServer, type TestServer } from './test-server.js';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const MAPS = '/api/v1/namespaces/default/configmaps';
const source = withPartialMetadata(builtinSchemas());

let server: TestServer;
beforeAll(async () => {
  server = testServer();
  for (let index = 0; index < 200; index++) {
    const data = { text: `${index}-`.repeat(500) };
    await server.request('POST', MAPS, { metadata: { name: `m-${index}`, labels: { app: 'a' } }, data });
  }
});

async function ask(method: string, path: string, accept: string, body?: object) {
  const response = await server.server.fetch(
    new Request(`http://api${path}`, {
      method,
      headers: { accept, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

const decode = (bytes: Uint8Array) => decodeProtobuf(bytes, source).object;

test('large answers are compressed for those who take it, small ones never', async () => {
  const plain = await server.request('GET', MAPS);
  expect(plain.headers.get('content-encoding')).toBeNull();
  const get = (path: string, encoding: string) =>
    server.server.fetch(new Request(`http://api${path}`, { headers: { 'accept-encoding': encoding } }));
  const zipped = await get(MAPS, 'deflate, gzip;q=0.8');
  expect(zipped.headers.get('content-encoding')).toBe('gzip');
  expect(zipped.headers.get('vary')).toBe('Accept-Encoding');
  const bytes = new Uint8Array(await zipped.arrayBuffer());
  expect(bytes.byteLength).toBeLessThan(plain.text.length / 4);
  expect(gunzipSync(bytes).toString()).toBe(plain.text);
  expect((await get(`${MAPS}/m-1`, 'gzip')).headers.get('content-encoding')).toBeNull();
  expect((await get(MAPS, 'gzip;q=0')).headers.get('content-encoding')).toBeNull();
});

test('a client that leaves in the middle of a compressed answer ends the compression', async () => {
  const response = await server.server.fetch(
    new Request(`http://api${MAPS}`, { headers: { 'accept-encoding': 'gzip' } }),
  );
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).done).toBe(false);
  await reader.cancel();
});

test('clients that accept nothing but protobuf get objects, lists, metadata and refusals in it', async () => {
  const one = await ask('GET', `${MAPS}/m-7`, PROTOBUF);
  expect(one.type).toBe(PROTOBUF);
  const json = (await server.request('GET', `${MAPS}/m-7`)).json;
  expect(decode(one.bytes)).toEqual(json);

  const list = await ask('GET', `${MAPS}?limit=3`, PROTOBUF);
  const expected = (await server.request('GET', `${MAPS}?limit=3`)).json;
  const decoded = decode(list.bytes) as { kind: string; metadata: object; items: { metadata: { name: string } }[] };
  expect(decoded.kind).toBe('ConfigMapList');
  expect(decoded.metadata).toMatchObject(expected.metadata);
  expect(decoded.items.map(({ metadata }) => metadata.name)).toEqual(['m-0', 'm-1', 'm-10']);

  const partial = await ask('GET', `${MAPS}?limit=2`, `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`);
  expect(decode(partial.bytes)).toMatchObject({
    kind: 'PartialObjectMetadataList',
    items: [{ metadata: { name: 'm-0' } }, {}],
  });

  const missing = await ask('GET', `${MAPS}/none`, PROTOBUF);
  expect(missing).toMatchObject({ status: 404, type: PROTOBUF });
  expect(decode(missing.bytes)).toMatchObject({
    kind: 'Status',
    reason: 'NotFound',
    message: 'configmaps "none" not found',
    code: 404,
  });

  const created = await ask('POST', MAPS, PROTOBUF, { metadata: { name: 'new' } });
  expect(created.status).toBe(201);
  expect(decode(created.bytes)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'new' } });
});

test('tables have no protobuf form; whoever takes JSON too gets JSON', async () => {
  expect((await ask('GET', MAPS, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`)).status).toBe(406);
  expect((await ask('GET', `${MAPS}/m-1`, `${PROTOBUF}, application/json`)).type).toBe('application/json');
});

/** Without what Go writes or leaves out because it is empty. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    .map(([name, member]) => [name, essence(member)] as const)
    .filter(([, member]) => !isEmpty(member));
  return Object.fromEntries(members);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

const stored = kinds.filter(({ group, plural }) => KIND_SAMPLES[`${group}/${plural}`] !== undefined);

test.each(stored.map((kind) => [kind.kind, kind] as const))('%s in protobuf is what it is in JSON', async (_, kind) => {
  const { group, version, plural, namespaced } = kind;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}${namespaced ? '/namespaces/default' : ''}/${plural}`;
  const sample = KIND_SAMPLES[`${group}/${plural}`] as { metadata?: object };
  const made = await server.request('POST', collection, {
    ...sample,
    metadata: { name: 'sample', ...sample.metadata },
  });
  expect(made.status, made.text).toBe(201);
  const path = `${collection}/${made.json.metadata.name}`;
  const { bytes, type } = await ask('GET', path, PROTOBUF);
  expect(type).toBe(PROTOBUF);
  expect(essence(decode(bytes))).toEqual(essence((await server.request('GET', path)).json));
});

test('a watch is frames with their length in front', async () => {
  const response = await server.server.fetch(
    new Request(`http://api${MAPS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=m-3`, {
      headers: { accept: `${PROTOBUF};stream=watch` },
    }),
  );
  expect(response.headers.get('content-type')).toBe(`${PROTOBUF};stream=watch`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value = new Uint8Array() } = await reader.read();
  await reader.cancel();
  const frame = Buffer.from(value);
  const length = frame.readUInt32BE(0);
  expect(frame.length).toBe(length + 4);
  // WatchEvent: type in field 1, the object's own body within field 2.
  expect(frame.subarray(4, 11).toString('latin1')).toBe('\u000a\u0005ADDED');
  const magic = frame.indexOf('k8s\0');
  expect(decode(new Uint8Array(frame.subarray(magic)))).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'm-3' } });
});

import { expect, test } from 'vitest';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { encodeProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import { testServer } from './test-server.js';

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const YAML = { 'content-type': 'application/yaml' };
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };

const DEPLOYMENT = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","name":"web","unknownMeta":"x"},
  "spec":{"foo":"bar","replicas":1,"replicas":2,"selector":{"matchLabels":{"a":"b"}},
  "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
const FAULTS =
  'duplicate field "metadata.name", unknown field "metadata.unknownMeta", unknown field "spec.foo", duplicate field "spec.replicas", duplicate field "spec.template.spec.containers[0].imagePullPolicy"';

test('strict validation refuses unknown and repeated fields, all in one error', async () => {
  const { request } = testServer();
  const answer = await request('POST', `${DEPLOYMENTS}?fieldValidation=Strict`, DEPLOYMENT);
  expect(answer.status).toBe(400);
  expect(answer.json.message).toBe(
    `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${FAULTS}`,
  );
});

test('without strictness they are warned of, or ignored', async () => {
  const { request } = testServer();
  const warned = await request('POST', DEPLOYMENTS, DEPLOYMENT);
  expect(warned.status).toBe(201);
  expect(warned.json.spec).toMatchObject({ replicas: 2 });
  expect(warned.headers.get('warning')).toContain('299 - "unknown field \\"spec.foo\\""');
  await request('DELETE', `${DEPLOYMENTS}/web`);
  const ignored = await request('POST', `${DEPLOYMENTS}?fieldValidation=Ignore`, DEPLOYMENT);
  expect(ignored.status).toBe(201);
  expect(ignored.headers.get('warning')).toBeNull();
});

test('YAML and protobuf bodies are read', async () => {
  const { request } = testServer();
  const yaml = await request('POST', `${MAPS}?fieldValidation=Strict`, 'metadata:\n  name: a\ndata:\n  x: "1"\n', YAML);
  expect(yaml.json.data).toEqual({ x: '1' });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' }, data: { x: '2' } };
  const bytes = encodeProtobuf(object, builtinSchemas());
  const protobuf = await request('POST', MAPS, bytes, PROTOBUF);
  expect(protobuf.json).toMatchObject({ metadata: { name: 'b', namespace: 'default' }, data: { x: '2' } });
  const options = encodeProtobuf({ apiVersion: 'v1', kind: 'DeleteOptions', dryRun: ['All'] }, builtinSchemas());
  expect((await request('DELETE', `${MAPS}/b`, options, PROTOBUF)).status).toBe(200);
  expect((await request('GET', `${MAPS}/b`)).status).toBe(200);
});

test('64-bit integers survive', async () => {
  const { request } = testServer();
  const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
  const created = await request(
    'POST',
    path,
    '{"metadata":{"name":"a"},"revision":9007199254740993,"data":{"n":9007199254740993}}',
  );
  expect(created.text).toContain('"revision":9007199254740993');
  expect((await request('GET', `${path}/a`)).text).toContain('"n":9007199254740993');
});

test.each([
  [
    '{',
    400,
    /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: unexpected end of JSON input \(\{\)$/,
  ],
  ['', 400, /json parse error: unexpected end of JSON input \(<empty>\)$/],
  ['[]', 400, /cannot unmarshal array into Go value/],
  ['null', 400, /unrecognized/],
  [
    '{"apiVersion":"apps/v1","kind":"Deployment"}',
    400,
    /^Deployment in version "v1" cannot be handled as a \w+: converting \(v1.Deployment\) to \(core.\w+\): unknown conversion$/,
  ],
  [
    '{"kind":"Service"}',
    400,
    /^Service in version "v1" cannot be handled as a ConfigMap: converting \(v1\.Service\) to \(core\.ConfigMap\): unknown conversion$/,
  ],
  [
    '{"metadata":{"name":5}}',
    400,
    /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string$/,
  ],
  [
    '{"metadata":{"name":"a","namespace":"other"}}',
    400,
    /^the namespace of the provided object does not match the namespace sent on the request$/,
  ],
  [
    '{"metadata":{"name":"A_"}}',
    422,
    /^ConfigMap "A_" is invalid: metadata.name: Invalid value: "A_": a lowercase RFC 1123 subdomain must consist of/,
  ],
  ['{"metadata":{}}', 422, /metadata.name: Required value: name or generateName is required/],
  [
    '{"metadata":{"name":"a","resourceVersion":"5"}}',
    400,
    /^resourceVersion should not be set on objects to be created$/,
  ],
  ['{"metadata":{"name":"a","labels":{"a b":"c"}}}', 422, /metadata.labels: Invalid value: "a b"/],
])('a body that cannot be created: %s', async (body, status, message) => {
  const { request } = testServer();
  const answer = await request('POST', MAPS, body);
  expect(answer.json.message).toMatch(message);
  expect(answer.status).toBe(status);
});

test('types of bodies, sizes and names on URLs', async () => {
  const { request } = testServer();
  const cbor = await request('POST', MAPS, 'x', { 'content-type': 'application/cbor' });
  expect(cbor.status).toBe(415);
  expect(cbor.json.message).toBe(
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );
  const large = await request(
    'POST',
    MAPS,
    JSON.stringify({ metadata: { name: 'a' }, data: { x: 'y'.repeat(3 << 20) } }),
  );
  expect(large.status).toBe(413);
  const unstorable = await request('POST', '/apis/apps/v1/namespaces/default/controllerrevisions', {
    metadata: { name: 'a' },
    revision: 1,
    data: { x: 'y'.repeat(1_600_000) },
  });
  expect(unstorable.status).toBe(413);
  await request('POST', MAPS, { metadata: { name: 'a' } });
  const renamed = await request('PUT', `${MAPS}/a`, { metadata: { name: 'b' } });
  expect(renamed.json.message).toBe('the name of the object (b) does not match the name on the URL (a)');
  const proto = await request('POST', MAPS, 'k8s', PROTOBUF);
  expect(proto.status).toBe(400);
  const yaml = await request('POST', MAPS, 'a: [', YAML);
  expect(yaml.status).toBe(400);
});

test('names are generated, again when taken', async () => {
  const { request } = testServer();
  const names = new Set<string>();
  for (let count = 0; count < 20; count++) {
    const { json } = await request('POST', MAPS, { metadata: { generateName: 'g-' } });
    expect(json.metadata.name).toMatch(/^g-[a-z0-9]{5}$/);
    names.add(json.metadata.name);
  }
  expect(names.size).toBe(20);
});

test('the paths and methods that do not exist', async () => {
  const { request } = testServer();
  for (const path of [
    '/api/v1/nothing',
    '/apis/none/v1/x',
    '/foo',
    '/api/v1/namespaces/default/nodes',
    '/api/v1/pods/x',
  ]) {
    expect((await request('GET', path)).status).toBe(404);
  }
  expect((await request('POST', '/api/v1/pods', {})).status).toBe(405);
  expect((await request('PUT', MAPS, {})).status).toBe(405);
  expect((await request('POST', `${MAPS}/a`, {})).status).toBe(405);
  expect((await request('POST', '/version', {})).headers.get('allow')).toBe('GET, HEAD');
  expect((await request('PUT', MAPS, {})).headers.get('allow')).toBe('DELETE, GET, POST');
  expect((await request('POST', `${MAPS}/a`, {})).headers.get('allow')).toBe('DELETE, GET, PATCH, PUT');
  expect((await request('GET', `${MAPS}/%zz`)).status).toBe(404);
  expect((await request('GET', `${MAPS}/a/none`)).status).toBe(404);
});

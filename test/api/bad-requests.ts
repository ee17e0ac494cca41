import { builtinSchemas } from '../../lib/schema/builtin/builtin-schemas.js';
import { encodeProtobuf } from '../../lib/schema/protobuf/protobuf.js';

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
export const YAML = { 'content-type': 'application/yaml' };
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };
const BODY_MAX_BYTES = 3 * 1024 * 1024;

/** One request that is refused, and Kubernetes' words for it. There is a config map `present`. */
export interface BadRequest {
  title: string;
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  code: number;
  message: string | RegExp;
}

const protobuf = Buffer.from(
  encodeProtobuf({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { a: 'b' } }, builtinSchemas()),
);
const secret = Buffer.from(
  encodeProtobuf({ kind: 'Secret', apiVersion: 'v1', metadata: { name: 'a' } }, builtinSchemas()),
);
const UNRECOGNIZED = 'the object provided is unrecognized (must be of type ConfigMap): ';
const NO_JSON = `${UNRECOGNIZED}couldn't get version/kind; json parse error: `;
export type More = Pick<BadRequest, 'method' | 'headers'> & { path?: string };
const create = (title: string, body: unknown, code: number, message: string | RegExp, more: More = {}): BadRequest => ({
  title,
  path: CONFIG_MAPS,
  body,
  code,
  message,
  ...more,
});
const list = (title: string, query: string, code: number, message: string | RegExp): BadRequest => ({
  title,
  method: 'GET',
  path: `${CONFIG_MAPS}?${query}`,
  code,
  message,
});
const token = (text: string): string => `continue=${Buffer.from(text).toString('base64url')}`;
const BAD_TOKEN = 'invalid continue token: continue key is not valid: ';

const bodies: BadRequest[] = [
  create('JSON that ends early', '{"kind":', 400, `${NO_JSON}unexpected end of JSON input ({"kind":)`),
  create('no body', '', 400, `${NO_JSON}unexpected end of JSON input (<empty>)`),
  create('no JSON', 'hello', 400, `${NO_JSON}invalid character 'h' looking for beginning of value (68656c6c6f)`),
  create('JSON and more', '{"metadata":{"name":"x"}} x', 400, /invalid character 'x' after top-level value/),
  create('a list', '[]', 400, /json: cannot unmarshal array into Go value of type struct/),
  create('a number', '5', 400, /json: cannot unmarshal number into Go value of type struct/),
  create('JSON nested too deeply', `{"metadata":${'['.repeat(200_000)}`, 400, /exceeded max depth/),
  create('YAML that ends early', 'kind: [', 400, /json parse error: yaml: line 1/, { headers: YAML }),
  create('YAML aliases that explode', yamlBomb(), 400, /yaml/, { headers: YAML }),
  create(
    'no protobuf',
    'hello',
    400,
    `${UNRECOGNIZED}provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (68656c6c6f)`,
    { headers: PROTOBUF },
  ),
  create('protobuf that ends early', protobuf.subarray(0, -3), 400, /unexpected end of data/, { headers: PROTOBUF }),
  create('protobuf with a length beyond its end', withByte(protobuf, 5, 0xff), 400, /\S/, { headers: PROTOBUF }),
  create(
    'protobuf of another kind',
    secret,
    400,
    'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    { headers: PROTOBUF },
  ),
  create(
    'a body over the limit',
    Buffer.alloc(BODY_MAX_BYTES + 1, ' '),
    413,
    `Request entity too large: limit is ${BODY_MAX_BYTES}`,
  ),
  create(
    'an object over the limit',
    { metadata: { name: 'big' }, data: { a: 'x'.repeat(1024 * 1024 + 1) } },
    422,
    'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes',
  ),
  create(
    'annotations over the limit',
    { metadata: { name: 'a', annotations: { a: 'x'.repeat(262_145) } } },
    422,
    'ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
  ),
];

const kindsAndNames: BadRequest[] = [
  create(
    'another kind',
    { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } },
    400,
    'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
  ),
  create(
    'an unknown kind',
    { kind: 'Foo', apiVersion: 'v1', metadata: { name: 'a' } },
    400,
    'Foo in version "v1" cannot be handled as a ConfigMap: no kind "Foo" is registered for version "v1"',
  ),
  create(
    'an unknown version',
    { kind: 'ConfigMap', apiVersion: 'v2', metadata: { name: 'a' } },
    400,
    'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"',
  ),
  create(
    'no version',
    { kind: 'ConfigMap', apiVersion: 'a/b/c' },
    400,
    `${UNRECOGNIZED}unexpected GroupVersion string: a/b/c ({"kind":"ConfigMap","apiVersio ...)`,
  ),
  {
    title: 'another served version',
    path: '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    body: { kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v1', metadata: { name: 'a' } },
    code: 400,
    message: 'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)',
  },
  create(
    'a name that is none',
    { metadata: { name: 'Not_Valid' } },
    422,
    /^ConfigMap "Not_Valid" is invalid: metadata\.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '\.'/,
  ),
  create(
    'a name that is too long',
    { metadata: { name: 'x'.repeat(254) } },
    422,
    /must be no more than 253 characters$/,
  ),
  create(
    'no name',
    { metadata: {} },
    422,
    'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  ),
  create(
    'another namespace',
    { metadata: { name: 'a', namespace: 'b' } },
    400,
    'the namespace of the provided object does not match the namespace sent on the request',
  ),
  create('a missing namespace', { metadata: { name: 'a' } }, 404, 'namespaces "missing" not found', {
    path: '/api/v1/namespaces/missing/configmaps',
  }),
  create(
    'a resourceVersion',
    { metadata: { name: 'a', resourceVersion: '5' } },
    400,
    'resourceVersion should not be set on objects to be created',
  ),
  create(
    'a key that is none',
    { metadata: { name: 'a' }, data: { 'a/b': 'c' } },
    422,
    /^ConfigMap "a" is invalid: data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of/,
  ),
  create(
    'another name in a PUT',
    { metadata: { name: 'other' } },
    400,
    'the name of the object (other) does not match the name on the URL (present)',
    { method: 'PUT', path: `${CONFIG_MAPS}/present` },
  ),
  create(
    'no name in a PUT',
    { data: {} },
    400,
    'the name of the object (present based on URL) was undeterminable: name must be provided',
    { method: 'PUT', path: `${CONFIG_MAPS}/present` },
  ),
  create(
    'an old resourceVersion in a PUT',
    { metadata: { name: 'present', resourceVersion: '1' } },
    409,
    'Operation cannot be fulfilled on configmaps "present": the object has been modified; please apply your changes to the latest version and try again',
    { method: 'PUT', path: `${CONFIG_MAPS}/present` },
  ),
];

const fields: BadRequest[] = [
  create(
    'unknown and repeated fields',
    '{"metadata":{"name":"a"},"foo":1,"data":{"a":"1","a":"2"}}',
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo", duplicate field "data.a"',
    { path: `${CONFIG_MAPS}?fieldValidation=Strict` },
  ),
  create(
    'repeated keys in YAML',
    'metadata:\n  name: a\n  name: b\n',
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 3: key "name" already set in map',
    { path: `${CONFIG_MAPS}?fieldValidation=Strict`, headers: YAML },
  ),
  create(
    'an unknown fieldValidation',
    {},
    422,
    'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Odd": supported values: "Ignore", "Strict", "Warn"',
    { path: `${CONFIG_MAPS}?fieldValidation=Odd` },
  ),
  create(
    'an unknown dryRun',
    {},
    422,
    'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    { path: `${CONFIG_MAPS}?dryRun=Some` },
  ),
  create(
    'a number for a text',
    { metadata: { name: 'a' }, data: { a: 1 } },
    400,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  ),
  create(
    'an integer beyond 32 bits',
    '{"metadata":{"name":"a"},"spec":{"replicas":2147483648}}',
    400,
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    { path: DEPLOYMENTS },
  ),
  create(
    'an integer beyond 64 bits',
    '{"metadata":{"name":"a"},"spec":{"activeDeadlineSeconds":9223372036854775808}}',
    400,
    'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number 9223372036854775808 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64',
    { path: PODS },
  ),
  create(
    'half a replica',
    '{"metadata":{"name":"a"},"spec":{"replicas":1.5}}',
    400,
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    { path: DEPLOYMENTS },
  ),
];

const BODY_TYPES = 'the body of the request was in an unknown format - accepted media types include: ';
const types: BadRequest[] = [
  create('a form', 'a=b', 415, `${BODY_TYPES}application/json, application/yaml, application/vnd.kubernetes.protobuf`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  create('CBOR, whose clients fall back then', 'a', 415, /^the body of the request was in an unknown format/, {
    headers: { 'content-type': 'application/cbor' },
  }),
  create(
    'a patch without a patch type',
    '{}',
    415,
    `${BODY_TYPES}application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml`,
    { method: 'PATCH', path: `${CONFIG_MAPS}/present` },
  ),
  {
    title: 'an answer as HTML',
    method: 'GET',
    path: CONFIG_MAPS,
    headers: { accept: 'text/html' },
    code: 406,
    message: 'only the following media types are accepted: application/json, application/yaml',
  },
  create(
    'a create whose answer nobody can take',
    { metadata: { name: 'unseen' } },
    406,
    /^only the following media types are accepted/,
    { headers: { accept: 'text/html' } },
  ),
];

const queries: BadRequest[] = [
  list('a continue token that is none', 'continue=xxx', 400, /^invalid continue token: /),
  list('a continue token that is no base64', 'continue=%25%25', 400, `${BAD_TOKEN}illegal base64 data`),
  list(
    'a continue token of another version',
    token('{"v":"meta.k8s.io/v2","rv":1,"start":"a"}'),
    400,
    `${BAD_TOKEN}server does not recognize this encoded version "meta.k8s.io/v2"`,
  ),
  list(
    'a continue token without a start',
    token('{"v":"meta.k8s.io/v1","rv":1,"start":""}'),
    400,
    `${BAD_TOKEN}encoded start key empty (version meta.k8s.io/v1)`,
  ),
  list(
    'a continue token without a revision',
    token('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}'),
    400,
    `${BAD_TOKEN}incorrect encoded start resourceVersion (version meta.k8s.io/v1)`,
  ),
  list(
    'a continue token and a resourceVersion',
    `resourceVersion=5&${token('{"v":"meta.k8s.io/v1","rv":1,"start":"a"}')}`,
    400,
    'specifying resource version is not allowed when using continue',
  ),
  list('a limit that is no number', 'limit=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
  list('a resourceVersion that is none', 'resourceVersion=abc', 400, /^invalid resource version: /),
  list(
    'a watch from a resourceVersion that is none',
    'watch=1&resourceVersion=abc',
    400,
    /^invalid resource version: /,
  ),
  list(
    'resourceVersionMatch alone',
    'resourceVersionMatch=Exact',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ),
  list(
    'a label selector that ends early',
    'labelSelector=a%20in%20(b',
    400,
    "unable to parse requirement: found '', expected: ',' or ')'",
  ),
  list(
    'a label that is none',
    'labelSelector=-a',
    400,
    /^unable to parse requirement: .*"-a": name part must consist of alphanumeric characters/,
  ),
  list(
    'an unknown field',
    'fieldSelector=spec.foo%3Dbar',
    400,
    /^(?:"spec\.foo" is not a known field selector|field label not supported: spec\.foo)/,
  ),
];

const paths: BadRequest[] = [
  {
    title: 'an unknown resource',
    method: 'GET',
    path: '/api/v1/nothing',
    code: 404,
    message: 'the server could not find the requested resource',
  },
  {
    title: 'an unknown path',
    method: 'GET',
    path: '/nothing',
    code: 404,
    message: 'the server could not find the requested resource',
  },
  {
    title: 'an unknown group',
    method: 'GET',
    path: '/apis/none/v1/things',
    code: 404,
    message: 'the server could not find the requested resource',
  },
  {
    title: 'an unknown subresource',
    method: 'GET',
    path: `${CONFIG_MAPS}/present/other`,
    code: 404,
    message: 'the server could not find the requested resource',
  },
  {
    title: 'bad percent-encoding',
    method: 'GET',
    path: '/api/v1/namespaces/%zz/pods',
    code: 404,
    message: 'the server could not find the requested resource',
  },
  {
    title: 'a missing object',
    method: 'GET',
    path: `${CONFIG_MAPS}/none`,
    code: 404,
    message: 'configmaps "none" not found',
  },
  {
    title: 'a missing object of a group',
    method: 'DELETE',
    path: `${DEPLOYMENTS}/none`,
    code: 404,
    message: 'deployments.apps "none" not found',
  },
  {
    title: 'POST to an object',
    path: `${CONFIG_MAPS}/present`,
    body: {},
    code: 405,
    message: 'the server does not allow this method on the requested resource',
  },
  {
    title: 'PUT to a collection',
    method: 'PUT',
    path: CONFIG_MAPS,
    body: {},
    code: 405,
    message: 'the server does not allow this method on the requested resource',
  },
  {
    title: 'POST to a document',
    path: '/version',
    body: {},
    code: 405,
    message: 'the server does not allow this method on the requested resource',
  },
  {
    title: 'a method that nobody knows',
    method: 'PROPFIND',
    path: CONFIG_MAPS,
    code: 405,
    message: 'the server does not allow this method on the requested resource',
  },
];

export const BAD_REQUESTS: readonly BadRequest[] = [
  ...bodies,
  ...kindsAndNames,
  ...fields,
  ...types,
  ...queries,
  ...paths,
];

/** Each line is ten times the one before. */
function yamlBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}

function withByte(bytes: Uint8Array, at: number, byte: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = byte;
  return changed;
}

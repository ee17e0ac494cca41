import fc from 'fast-check';
import { kinds } from '../../../functions/apiserver/resources/index.js';
import { ALL_VERBS, type KindDefinition } from '../../../functions/apiserver/resources/kind.js';
import { KIND_SAMPLES } from '../../../functions/apiserver/registry/kind-samples.js';
import { deleteBody, minimalObject, objectBody, patchBody } from './fuzz-bodies.js';
import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { TestRequest } from './api.js';

/** What the model needs to know of a request: undefined where its path is no object's and no collection's. */
export interface Target {
  readonly kind: KindDefinition;
  readonly namespace: string;
  /** '' for a collection. */
  readonly name: string;
  readonly subresource: string;
}

export interface FuzzRequest {
  readonly request: TestRequest;
  readonly target: Target | undefined;
}

/** Names that meet often enough for conflicts, and some that are none. */
const NAMES = ['a', 'a', 'b', 'c-1'];
const objectName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...NAMES) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'A',
      '-a',
      'a.b',
      'system:x',
      '..',
      '.',
      'a%2Fb',
      'x'.repeat(254),
      'é',
      'a b',
      '__proto__',
    ),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 6 }) },
);
const namespaceName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('default', 'default', 'default', 'kube-system') },
  { weight: 1, arbitrary: fc.constantFrom('missing', 'A', '', 'x'.repeat(64), '..', '%') },
);

const selector = fc.oneof(
  fc.constantFrom(
    'fuzz=yes',
    'fuzz!=yes',
    'fuzz in (yes,no)',
    'a,!b',
    'a=',
    '=',
    ',',
    'a in ()',
    'a in (b',
    'x>5',
    'x>a',
    'a=b=c',
    '!',
    'metadata.name=a',
    'metadata.name!=a,metadata.namespace=default',
    'spec.nodeName=x',
    'status.phase=Running',
    'no.such=field',
    'a\\',
    `${'k'.repeat(300)}=v`,
    `fuzz in (${Array.from({ length: 3_000 }, (_, index) => `v${index}`).join(',')})`,
    Array.from({ length: 1_500 }, (_, index) => `k${index}!=v`).join(','),
  ),
  fc.string({ maxLength: 12 }),
);
const number = fc.oneof(
  fc.constantFrom('0', '1', '2', '-1', '99999999999999999999', '9223372036854775807', 'abc', '', '1.5', '0x1', ' 1'),
);
const token = fc.oneof(
  fc.constantFrom(
    'x',
    '{}',
    '%%%',
    Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"default/a\\u0000"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"a\\u0000"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":999999,"start":"a\\u0000"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v2","rv":1,"start":"a"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../../a"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":"1","start":""}').toString('base64url'),
    Buffer.from('[1]').toString('base64url'),
  ),
  fc.base64String({ maxLength: 40 }),
);
const boolean = fc.constantFrom('true', 'false', '1', '0', '', 'yes');

const pair = <T extends string>(name: T, value: fc.Arbitrary<string>) =>
  value.map((text): [string, string] => [name, text]);
const readParameter = fc.oneof(
  pair('labelSelector', selector),
  pair('fieldSelector', selector),
  pair('limit', number),
  pair('continue', token),
  pair('resourceVersion', number),
  pair('resourceVersionMatch', fc.constantFrom('Exact', 'NotOlderThan', 'Other', '')),
  pair('sendInitialEvents', boolean),
  pair('allowWatchBookmarks', boolean),
  pair('timeoutSeconds', number),
  pair('pretty', boolean),
  pair('includeObject', fc.constantFrom('None', 'Object', 'Metadata', 'Other')),
);
const writeParameter = fc.oneof(
  pair('dryRun', fc.constantFrom('All', 'All', 'None', '')),
  pair('fieldValidation', fc.constantFrom('Strict', 'Warn', 'Ignore', 'Other')),
  pair('fieldManager', fc.constantFrom('me', '', 'x'.repeat(129), '\u0007')),
  pair('force', boolean),
  pair('propagationPolicy', fc.constantFrom('Orphan', 'Foreground', 'Background', 'Other')),
  pair('gracePeriodSeconds', number),
  pair('orphanDependents', boolean),
  pair('labelSelector', selector),
  pair('resourceVersion', number),
);
const oddParameter = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 }));

function queryOf(parameters: readonly [string, string][]): string {
  if (parameters.length === 0) return '';
  return `?${parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`;
}

const accept = fc.oneof(
  { weight: 10, arbitrary: fc.constant(undefined) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'application/json',
      '*/*',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'application/vnd.kubernetes.protobuf, application/json',
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      'application/json;as=Table;v=v9;g=meta.k8s.io',
      'application/json;stream=watch',
      'text/html',
      'application/cbor',
      ';;;,,q=',
      'application/json;q=0',
    ),
  },
);
const contentType = fc.oneof(
  { weight: 14, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'text/plain',
      'application/cbor',
      'application/x-www-form-urlencoded',
      ';',
      'application/vnd.kubernetes.protobuf',
      'application/yaml',
      'application/json-patch+json',
    ),
  },
);
const oddHeader = fc.option(
  fc.constantFrom<[string, string]>(
    ['impersonate-user', 'somebody'],
    ['impersonate-group', 'system:masters'],
    ['impersonate-uid', 'x'],
    ['if-none-match', '"x"'],
    ['content-encoding', 'gzip'],
    ['accept-encoding', 'gzip, br'],
    ['x-http-method-override', 'DELETE'],
    ['range', 'bytes=0-1'],
  ),
  { freq: 20 },
);
interface Caller {
  readonly user: UserInfo | null | undefined;
  readonly authorization: string | undefined;
}

/** Mostly the administrator, sometimes somebody without rights or without a valid credential. */
const caller = fc.oneof<fc.MaybeWeightedArbitrary<Caller>[]>(
  { weight: 30, arbitrary: fc.constant({ user: undefined, authorization: undefined }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      user: {
        username: 'system:serviceaccount:default:default',
        groups: ['system:authenticated', 'system:serviceaccounts'] as string[],
      },
      authorization: undefined,
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('Bearer x', 'Bearer', 'Basic eDp5', '', 'Bearer a.b.c', 'Bearer eyJhbGciOiJub25lIn0.e30.')
      .map((authorization) => ({ user: null, authorization })),
  },
);

const version = fc.nat(9);

function rootOf(kind: KindDefinition, pick: number): string {
  const served = [kind, kind, ...(kind.alternates ?? [])];
  const { group, version: name } = served[pick % served.length] as KindDefinition;
  return group === '' ? `/api/${name}` : `/apis/${group}/${name}`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}

function subresourceOf(kind: KindDefinition, pick: number): string {
  const own = [
    ...(kind.hasStatus === true ? ['status', 'status'] : []),
    ...(kind.scale === undefined ? [] : ['scale', 'scale']),
  ];
  const all = [...own, ...(kind.subresources ?? []).map(({ name }) => name), 'other'];
  return all[pick % all.length] as string;
}

/** Requests that are about objects of built-in kinds. */
const resourceRequest = (focus: readonly KindDefinition[]): fc.Arbitrary<FuzzRequest> =>
  fc
    .record({
      method: fc.constantFrom(
        'POST',
        'POST',
        'POST',
        'PUT',
        'PUT',
        'PATCH',
        'PATCH',
        'PATCH',
        'GET',
        'GET',
        'GET',
        'DELETE',
        'HEAD',
      ),
      kind: fc.constantFrom(...focus),
      version,
      namespace: namespaceName,
      name: objectName,
      /** Small numbers are the unusual. */
      depth: fc.nat(11),
      subresource: fc.nat(12),
      watches: fc.nat(9),
      reads: fc.array(readParameter, { maxLength: 3 }),
      writes: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(writeParameter, { maxLength: 3 })),
      accept,
      contentType,
      oddHeader,
      caller,
      object: objectBody,
      patch: patchBody,
      options: deleteBody,
    })
    .map((parts): FuzzRequest => {
      const { method, kind, namespace } = parts;
      const name = usualName(kind, parts.name);
      const isRead = method === 'GET' || method === 'HEAD';
      const toCollection = method === 'POST' ? parts.depth > 0 : isRead ? parts.depth > 5 : parts.depth === 0;
      const subresource =
        parts.subresource < (method === 'POST' ? 1 : 3) && !(toCollection && parts.depth !== 1)
          ? subresourceOf(kind, parts.version + parts.subresource)
          : '';
      const scope =
        kind.namespaced && !(isRead && toCollection && parts.depth > 8) ? `/namespaces/${segment(namespace)}` : '';
      const collection = `${rootOf(kind, parts.version)}${isRead && parts.watches === 9 ? '/watch' : ''}${scope}/${kind.plural}`;
      const usesName = !toCollection || subresource !== '';
      const path = `${collection}${usesName ? `/${segment(name)}` : ''}${subresource === '' ? '' : `/${subresource}`}`;
      const query: [string, string][] = isRead ? [...parts.reads] : [...parts.writes];
      if (isRead && toCollection && parts.watches === 0) query.push(['watch', 'true']);
      const make = method === 'PATCH' ? parts.patch : method === 'DELETE' ? parts.options : parts.object;
      const body = isRead ? undefined : make(kind, name);
      const headers: Record<string, string> = {};
      if (parts.accept !== undefined) headers.accept = parts.accept;
      if (body !== undefined) headers['content-type'] = parts.contentType ?? body.contentType;
      return {
        request: {
          method,
          path: path + queryOf(query),
          headers: { ...headers, ...more(parts.oddHeader, parts.caller.authorization) },
          ...(body === undefined ? {} : { body: body.bytes }),
          ...(parts.caller.user === undefined ? {} : { user: parts.caller.user }),
        },
        target: { kind, namespace: scope === '' ? '' : namespace, name: usesName ? name : '', subresource },
      };
    });

function more(oddHeader: [string, string] | null, authorization: string | undefined): Record<string, string> {
  return {
    ...(oddHeader === null ? {} : { [oddHeader[0]]: oddHeader[1] }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

const oddSegment = fc.oneof(
  fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'watch',
    'proxy',
    'finalize',
    'status',
    'healthz',
    'readyz',
    'livez',
    'version',
    'metrics',
    'openapi',
    'v2',
    'v3',
    'openid',
    '.well-known',
    '',
    '.',
    '..',
    '%2e%2e',
    '%',
    '%zz',
    '%00',
    '%ff',
    '%2f',
    '__proto__',
    'constructor',
    'toString',
  ),
  fc.string({ maxLength: 5 }).map(segment),
);

/** Paths and methods that nobody would use. */
const pathRequest: fc.Arbitrary<FuzzRequest> = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'GET',
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
    ),
    segments: fc.array(oddSegment, { maxLength: 8 }),
    prefix: fc.constantFrom('', '', '/api/v1', '/apis/apps/v1', '/apis', '/api/v1/namespaces/default'),
    query: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      fc.array(fc.oneof(oddParameter, readParameter), { maxLength: 3 }),
    ),
    accept,
    caller,
    oddHeader,
  })
  .map(({ method, segments, prefix, query, accept: wanted, caller: by, oddHeader: odd }): FuzzRequest => ({
    request: {
      method,
      path: `${prefix}/${segments.join('/')}${queryOf(query)}`,
      headers: { ...(wanted === undefined ? {} : { accept: wanted }), ...more(odd, by.authorization) },
      ...(by.user === undefined ? {} : { user: by.user }),
    },
    target: undefined,
  }));

/** Requests of one sequence are about few kinds, so that they meet. */
const FOCUS_KINDS = 5;

const isStored = ({ verbs = ALL_VERBS }: KindDefinition): boolean => verbs.includes('list') && verbs.includes('create');

export interface FuzzSequence {
  /** Objects that are there from the start, some of them. */
  readonly first: readonly TestRequest[];
  readonly requests: readonly FuzzRequest[];
}

export function fuzzSequence(length: number): fc.Arbitrary<FuzzSequence> {
  return fc
    .tuple(
      fc.shuffledSubarray(kinds.filter(isStored), { minLength: FOCUS_KINDS, maxLength: FOCUS_KINDS }),
      fc.constantFrom(...kinds.filter((kind) => !isStored(kind))),
    )
    .chain(([focus, other]) =>
      fc.record({
        first: fc.constant(
          focus.flatMap((kind) => [usualName(kind, 'a'), usualName(kind, 'b')].map((name) => creation(kind, name))),
        ),
        requests: fc.array(
          fc.oneof(
            { weight: 20, arbitrary: resourceRequest(focus) },
            { weight: 1, arbitrary: resourceRequest([other]) },
            { weight: 2, arbitrary: pathRequest },
          ),
          { minLength: length, maxLength: length },
        ),
      }),
    );
}

function creation(kind: KindDefinition, name: string): TestRequest {
  const scope = kind.namespaced ? '/namespaces/default' : '';
  return {
    method: 'POST',
    path: `${rootOf(kind, 0)}${scope}/${kind.plural}`,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(minimalObject(kind, name))),
  };
}

/** Some kinds have names with a meaning. */
function usualName(kind: KindDefinition, name: string): string {
  const sample = KIND_SAMPLES[`${kind.group}/${kind.plural}`] as KubernetesObject | undefined;
  return name === 'a' ? (sample?.metadata?.name ?? name) : name;
}

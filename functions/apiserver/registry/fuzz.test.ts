import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { encodeProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import { kinds } from '../resources/index.js';
import { KIND_SAMPLES } from './kind-samples.js';
import { parseStored } from './objects.js';
import { testServer } from './test-server.js';

/** More by the environment: FUZZ_REQUESTS=1000000. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000);
const REQUESTS_PER_SERVER = 100;

/** What a request may be answered with; 5xx only where they say something true: not implemented, busy, future revision. */
const ALLOWED = new Set([
  200, 201, 202, 304, 400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 422, 429, 501, 503, 504,
]);

const weird = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '9223372036854775808',
    'true',
    '%',
    '\\',
    'a=b',
    '!a',
    'a in (b',
    '__proto__',
    'constructor',
  ),
);
const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('a', 'b', 'sample') }, weird);
const namespace = fc.oneof({ weight: 6, arbitrary: fc.constant('default') }, weird);
const plural = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...kinds) }, fc.constant(undefined));

interface Target {
  path: string;
  kind: (typeof kinds)[number] | undefined;
}

/** The depth says what is meant: a collection, one object, or something below it. */
function targetOf(parts: {
  kind: Target['kind'];
  namespace: string;
  objectName: string;
  subresource: string;
  depth: number;
  odd: number;
}): Target {
  const { kind, odd } = parts;
  const root =
    kind === undefined ? '/apis/none/v1' : kind.group === '' ? '/api/v1' : `/apis/${kind.group}/${kind.version}`;
  const inNamespace = kind?.namespaced === true ? odd !== 1 : odd === 1;
  const scope = inNamespace ? `/namespaces/${encodeURIComponent(parts.namespace)}` : '';
  const collection = `${root}${odd === 2 ? '/watch' : ''}${scope}/${kind?.plural ?? 'things'}`;
  if (parts.depth === 0) return { path: collection, kind };
  const single = `${collection}/${encodeURIComponent(parts.objectName)}`;
  if (parts.depth === 1) return { path: single, kind };
  const declared = ['status', 'scale', ...(kind?.subresources ?? []).map((one) => one.name)];
  const chosen = odd === 3 ? parts.subresource : declared[odd % declared.length];
  return { path: `${single}/${encodeURIComponent(chosen ?? '')}`, kind };
}

const place = fc.record({
  kind: plural,
  namespace,
  objectName: name,
  subresource: weird,
  depth: fc.constantFrom(0, 1, 1, 2),
  odd: fc.nat(24),
});

const parameter = fc.constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'watch',
  'timeoutSeconds',
  'allowWatchBookmarks',
  'sendInitialEvents',
  'dryRun',
  'fieldValidation',
  'fieldManager',
  'propagationPolicy',
  'orphanDependents',
  'gracePeriodSeconds',
  'pretty',
  'includeObject',
  'force',
);
const value = fc.oneof(
  weird,
  fc.constantFrom(
    'All',
    'Strict',
    'Ignore',
    'Warn',
    'Exact',
    'NotOlderThan',
    'Orphan',
    'Foreground',
    '1',
    '2',
    '3',
    '99',
    'metadata.name=a',
    'a=b',
  ),
);
const query = fc
  .array(fc.tuple(parameter, value), { maxLength: 3 })
  .map((pairs) => new URLSearchParams(pairs).toString());

const BODY_TYPES: Readonly<Record<string, readonly string[]>> = {
  POST: ['application/json', 'application/json', 'application/yaml'],
  PUT: ['application/json', 'application/json', 'application/yaml'],
  DELETE: ['application/json'],
  PATCH: ['application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/json-patch+json'],
};
const oddContentType = fc.constantFrom(
  'application/cbor',
  'application/apply-patch+yaml',
  'text/plain; charset=x',
  ';;;',
  'application/json',
);

const accept = fc.constantFrom(
  '*/*',
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io',
  ',;=q',
);

type Make = (kind: (typeof kinds)[number] | undefined) => string | Uint8Array;

function sampleOf(kind: (typeof kinds)[number] | undefined, objectName: string): Record<string, unknown> {
  const sample = (kind === undefined ? {} : (KIND_SAMPLES[`${kind.group}/${kind.plural}`] ?? {})) as Record<
    string,
    unknown
  >;
  return { ...sample, metadata: { name: objectName, ...(sample.metadata as object) } };
}

/** A valid body with one value replaced by anything. */
const mutated = fc
  .record({ objectName: name, at: fc.nat(), replacement: fc.jsonValue({ maxDepth: 3 }) })
  .map(({ objectName, at, replacement }): Make => (kind) => {
    const object = JSON.parse(JSON.stringify(sampleOf(kind, objectName))) as unknown;
    const places: [Record<string, unknown>, string][] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const key of Object.keys(node)) {
        places.push([node as Record<string, unknown>, key]);
        visit((node as Record<string, unknown>)[key]);
      }
    };
    visit(object);
    const place = places[at % places.length];
    if (place !== undefined) place[0][place[1]] = replacement;
    return JSON.stringify(object);
  });
const valid = name.map(
  (objectName): Make =>
    (kind) =>
      JSON.stringify(sampleOf(kind, objectName)),
);
const damaged = fc.tuple(valid, fc.nat(), fc.string({ maxLength: 3 })).map(([make, at, insert]): Make => (kind) => {
  const text = make(kind) as string;
  const cut = at % (text.length + 1);
  return text.slice(0, cut) + insert + text.slice(cut + insert.length);
});
const protobuf = fc.tuple(name, fc.nat(), fc.nat(255)).map(([objectName, at, byte]): Make => (kind) => {
  const object = { kind: kind?.kind ?? 'Pod', apiVersion: 'v1', ...sampleOf(kind, objectName) };
  if (kind !== undefined && kind.group !== '') object.apiVersion = `${kind.group}/${kind.version}`;
  const bytes = Buffer.from(encodeProtobuf(object, builtinSchemas()));
  if (at % 2 === 0) bytes[at % bytes.length] = byte;
  return bytes;
});
const arbitrary = fc.oneof(fc.json(), fc.string()).map(
  (text): Make =>
    () =>
      text,
);
const body = fc.oneof({ weight: 4, arbitrary: valid }, { weight: 4, arbitrary: mutated }, damaged, protobuf, arbitrary);

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PUT',
  'PATCH',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
];

const request = fc
  .record({ method: fc.constantFrom(...METHODS), place, query, oddContentType, pick: fc.nat(29), accept, body })
  .map(({ method, place: parts, query: parameters, oddContentType: odd, pick, accept: wanted, body: make }) => {
    // Most creates go to collections, most updates to objects; the rest are mistakes.
    const depth =
      pick === 0
        ? parts.depth
        : method === 'POST' && parts.odd < 18
          ? 0
          : (method === 'PUT' || method === 'PATCH') && parts.depth === 0
            ? 1
            : parts.depth;
    const target = targetOf({ ...parts, depth });
    const given = make(target.kind);
    const types = BODY_TYPES[method] ?? [];
    const usual =
      typeof given === 'string'
        ? (types[pick % Math.max(1, types.length)] ?? '')
        : 'application/vnd.kubernetes.protobuf';
    const isPlain = parts.odd % 3 !== 0;
    return {
      method,
      path: target.path,
      query: isPlain && pick < 20 ? '' : parameters,
      contentType: pick === 1 ? odd : usual,
      accept: isPlain ? 'application/json' : wanted,
      body: given,
    };
  });

test(
  `${REQUESTS} strange requests are answered with what Kubernetes answers, and nothing breaks`,
  { timeout: 600_000 },
  async () => {
    const problems: unknown[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: REQUESTS_PER_SERVER, maxLength: REQUESTS_PER_SERVER }),
        async (requests) => {
          const { server, store } = testServer({
            log: { info: () => undefined, warn: () => undefined, error: (data) => problems.push(data) },
          });
          for (const one of requests) {
            const abort = new AbortController();
            const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(one.method);
            const given = hasBody ? one.body : '';
            const headers: Record<string, string> = {
              accept: one.accept,
              ...(hasBody ? { 'content-type': one.contentType } : {}),
            };
            const response = await server.handle({
              method: one.method,
              path: one.path,
              query: one.query,
              header: (header) => headers[header],
              body: async () => (typeof given === 'string' ? Buffer.from(given) : given),
              signal: abort.signal,
            });
            abort.abort();
            expect(problems).toEqual([]);
            expect(ALLOWED, `${one.method} ${one.path}?${one.query}`).toContain(response.status);
            if (response.status >= 400) {
              const status = JSON.parse(Buffer.from(response.body as Uint8Array).toString());
              expect(status).toMatchObject({
                kind: 'Status',
                apiVersion: 'v1',
                status: 'Failure',
                code: response.status,
              });
              expect(status.message).not.toBe('');
            }
          }
          for (const collection of await store.collections()) {
            for (const { key, revision, body: bytes } of (await store.list(collection)).items) {
              const { metadata } = parseStored(bytes);
              expect(metadata?.resourceVersion).toBe(String(revision));
              expect(key.endsWith(metadata?.name ?? '?')).toBe(true);
            }
          }
          server.close();
        },
      ),
      {
        numRuns: Math.ceil(REQUESTS / REQUESTS_PER_SERVER),
        ...(process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) }),
      },
    );
  },
);

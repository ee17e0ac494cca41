import fc from 'fast-check';
import type { KindDefinition } from '../../../functions/apiserver/resources/kind.js';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { encodeProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import { KIND_SAMPLES } from '../../../functions/apiserver/registry/kind-samples.js';

type JsonObject = Record<string, unknown>;

/** JSON text that is put into a document as it stands, valid or not. */
class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A member that is written twice. */
class Twice {
  readonly first: unknown;
  readonly second: unknown;

  constructor(first: unknown, second: unknown) {
    this.first = first;
    this.second = second;
  }
}

const raw = fc
  .constantFrom(
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775809',
    '18446744073709551616',
    '2147483648',
    '-2147483649',
    '1e3',
    '1.5',
    '1e400',
    '-0',
    '0.1e-7',
    '01',
    '0x10',
    'NaN',
    'tru',
    'null',
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '{"a":1,"a":2}',
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
    `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
    `"${'x'.repeat(70_000)}"`,
  )
  .map((text) => new Raw(text));

const value = fc.oneof(
  { weight: 2, arbitrary: raw },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('', 'a', 'A_b', '-1', '80', 'IfNotPresent', 'é', '1Gi', '2020-01-01T00:00:00Z'),
  },
  { weight: 3, arbitrary: fc.constantFrom(0, -1, 1, 65_536, 2 ** 31, 0.5) },
  { weight: 3, arbitrary: fc.constantFrom(null, true, false, [], {}, [null], [{}], [''], { a: null }, { '': '' }) },
);

const mutation = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom('replace', 'replace', 'replace', 'delete', 'twice', 'add', 'rename', 'nest'),
  value,
  name: fc.constantFrom('unknown', 'name', 'spec', 'status', '', '$patch', '__proto__', 'kind', 'finalizers', 'labels'),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

/** Every member of every object and item of every list below a value. */
function placesIn(node: unknown, places: [JsonObject, string][]): void {
  if (typeof node !== 'object' || node === null || node instanceof Raw || node instanceof Twice) return;
  for (const key of Object.keys(node)) {
    places.push([node as JsonObject, key]);
    placesIn((node as JsonObject)[key], places);
  }
}

/** Generated values are shared between documents: each gets its own. */
function copyOf(node: unknown): unknown {
  if (typeof node !== 'object' || node === null || node instanceof Raw || node instanceof Twice) return node;
  return Array.isArray(node)
    ? node.map(copyOf)
    : Object.fromEntries(Object.entries(node).map(([key, one]) => [key, copyOf(one)]));
}

function mutate(object: JsonObject, { at, how, value: shared, name }: Mutation): void {
  const given = copyOf(shared);
  const places: [JsonObject, string][] = [];
  placesIn(object, places);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return;
  const [target, key] = place;
  const before = target[key];
  const put = (member: string, content: unknown): void => {
    Object.defineProperty(target, member, { value: content, writable: true, enumerable: true, configurable: true });
  };
  switch (how) {
    case 'replace':
      return put(key, given);
    case 'delete':
      if (!Array.isArray(target)) delete target[key];
      return;
    case 'twice':
      return put(key, Array.isArray(target) ? given : new Twice(before, given));
    case 'add':
      return put(Array.isArray(target) ? String(target.length) : name, given);
    case 'rename':
      if (Array.isArray(target)) return;
      delete target[key];
      return put(name, before);
    case 'nest':
      return put(key, [before]);
  }
}

function toJson(node: unknown): string {
  if (node instanceof Raw) return node.text;
  if (node instanceof Twice) return toJson(node.second);
  if (Array.isArray(node)) return `[${node.map(toJson).join(',')}]`;
  if (typeof node !== 'object' || node === null) return JSON.stringify(node) ?? 'null';
  const members = Object.entries(node).flatMap(([key, member]) =>
    member instanceof Twice
      ? [`${JSON.stringify(key)}:${toJson(member.first)}`, `${JSON.stringify(key)}:${toJson(member.second)}`]
      : [`${JSON.stringify(key)}:${toJson(member)}`],
  );
  return `{${members.join(',')}}`;
}

export interface Body {
  /** The one that fits what the bytes are. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Makes a body for a kind and a name. */
export type MakeBody = (kind: KindDefinition | undefined, name: string) => Body;

export function minimalObject(kind: KindDefinition | undefined, name: string): JsonObject {
  if (kind === undefined) return { kind: 'Thing', apiVersion: 'example.com/v1', metadata: { name } };
  const sample = (KIND_SAMPLES[`${kind.group}/${kind.plural}`] ?? {}) as JsonObject;
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { kind: kind.kind, apiVersion, ...structuredClone(sample), metadata: { name, labels: { fuzz: 'yes' } } };
}

/** A valid object, or one with some of its parts changed. */
const document = fc
  .array(mutation, { maxLength: 3 })
  .map((mutations) => (kind: KindDefinition | undefined, name: string): string => {
    const object = minimalObject(kind, name);
    for (const one of mutations) mutate(object, one);
    return toJson(object);
  });

const json: fc.Arbitrary<MakeBody> = document.map((make) => (kind, name) => ({
  contentType: 'application/json',
  bytes: Buffer.from(make(kind, name)),
}));

/** JSON is YAML, and so is much that is no JSON. */
const yaml: fc.Arbitrary<MakeBody> = fc
  .record({
    make: document,
    prefix: fc.constantFrom('', '', '---\n', '%YAML 1.1\n---\n', '# comment\n', '&a ', '- ', '!!binary ', '\t'),
    suffix: fc.constantFrom('', '', '\n---\n{}', '\n...\n', '\nx: *a', '\n? y', ': :', '\n<<: {a: 1}'),
  })
  .map(({ make, prefix, suffix }) => (kind, name) => ({
    contentType: 'application/yaml',
    bytes: Buffer.from(prefix + make(kind, name) + suffix),
  }));

/** Protobuf with some bytes changed, cut off or doubled. */
const protobuf: fc.Arbitrary<MakeBody> = fc
  .record({
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    cut: fc.option(fc.nat(), { freq: 6 }),
  })
  .map(({ changes, cut }) => (kind, name) => {
    let bytes: Uint8Array;
    try {
      bytes = encodeProtobuf(minimalObject(kind, name), builtinSchemas());
    } catch {
      bytes = Buffer.from('k8s\0none');
    }
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    if (cut !== null) bytes = bytes.subarray(0, cut % bytes.length);
    return { contentType: 'application/vnd.kubernetes.protobuf', bytes };
  });

const garbage: fc.Arbitrary<MakeBody> = fc
  .record({
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .constantFrom('', ' ', '{', '[]', '"a"', 'null', '1', '{"a":1}}', '\ufeff{}', 'k8s\0')
        .map((text) => Buffer.from(text)),
    ),
    contentType: fc.constantFrom('application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'),
  })
  .map((body) => () => body);

const LIMIT_BYTES = 3 * 1024 * 1024;
const huge: fc.Arbitrary<MakeBody> = fc
  .constantFrom(LIMIT_BYTES + 1, LIMIT_BYTES - 300, 1_600_000)
  .map((size) => (kind, name) => {
    const object = minimalObject(kind, name) as { metadata: JsonObject };
    object.metadata.annotations = { filler: 'x'.repeat(size) };
    return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(object)) };
  });

const anotherKind: fc.Arbitrary<MakeBody> = fc
  .constantFrom('Pod', 'ConfigMap', 'Status', 'DeleteOptions', 'List', 'Eviction', 'Binding', 'Scale')
  .map((other) => (_kind, name) => ({
    contentType: 'application/json',
    bytes: Buffer.from(JSON.stringify({ kind: other, apiVersion: 'v1', metadata: { name } })),
  }));

export const objectBody: fc.Arbitrary<MakeBody> = fc.oneof(
  { weight: 40, arbitrary: json },
  { weight: 10, arbitrary: yaml },
  { weight: 12, arbitrary: protobuf },
  { weight: 6, arbitrary: garbage },
  { weight: 4, arbitrary: anotherKind },
  { weight: 1, arbitrary: huge },
);

const pointer = fc.oneof(
  fc.constantFrom(
    '/metadata/labels/fuzz',
    '/metadata/annotations',
    '/metadata/name',
    '/metadata/finalizers',
    '/metadata/ownerReferences/0',
    '/spec',
    '/spec/replicas',
    '/spec/template/spec/containers/0',
    '/spec/template/spec/containers/-',
    '/spec/containers/0/image',
    '/data/a',
    '/status/conditions',
    '/kind',
    '',
    '/',
    'spec',
    '/~2',
    '/__proto__/polluted',
    '/spec/ports/99999999999',
  ),
  fc.string({ maxLength: 8 }),
);

const jsonPatch: fc.Arbitrary<MakeBody> = fc
  .array(
    fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'merge'),
        path: pointer,
        from: pointer,
        value,
      },
      { requiredKeys: ['op', 'path'] },
    ),
    { maxLength: 4 },
  )
  .map((operations) => () => ({
    contentType: 'application/json-patch+json',
    bytes: Buffer.from(toJson(operations)),
  }));

/** Parts of a valid object, changed, with the directives of strategic merge among them. */
const partialPatch: fc.Arbitrary<MakeBody> = fc
  .record({
    mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
    directive: fc.option(
      fc.constantFrom<[string, unknown]>(
        ['$patch', 'replace'],
        ['$patch', 'delete'],
        ['$patch', 'merge'],
        ['$patch', 'other'],
        ['$retainKeys', ['name']],
        ['$retainKeys', 'name'],
        ['$setElementOrder/containers', [{ name: 'c' }]],
        ['$setElementOrder/finalizers', ['a']],
        ['$deleteFromPrimitiveList/finalizers', ['a']],
        ['$deleteFromPrimitiveList/finalizers', [1]],
      ),
    ),
    at: fc.constantFrom('metadata', 'spec', 'root'),
    isStrategic: fc.boolean(),
  })
  .map(({ mutations, directive, at, isStrategic }) => (kind, name) => {
    const object = minimalObject(kind, name);
    if (directive !== null) {
      const target = at === 'root' ? object : object[at];
      if (typeof target === 'object' && target !== null) (target as JsonObject)[directive[0]] = directive[1];
    }
    for (const one of mutations) mutate(object, one);
    return {
      contentType: isStrategic ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json',
      bytes: Buffer.from(toJson(object)),
    };
  });

/** A patch that changes little, so that many are accepted. */
const gentlePatch: fc.Arbitrary<MakeBody> = fc
  .record({
    isStrategic: fc.boolean(),
    label: fc.string({ maxLength: 4 }),
    field: fc.constantFrom('labels', 'annotations'),
  })
  .map(({ isStrategic, label, field }) => () => ({
    contentType: isStrategic ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json',
    bytes: Buffer.from(JSON.stringify({ metadata: { [field]: { fuzz: label } } })),
  }));

const applyPatch: fc.Arbitrary<MakeBody> = document.map((make) => (kind, name) => ({
  contentType: 'application/apply-patch+yaml',
  bytes: Buffer.from(make(kind, name)),
}));

export const patchBody: fc.Arbitrary<MakeBody> = fc.oneof(
  { weight: 10, arbitrary: gentlePatch },
  { weight: 8, arbitrary: jsonPatch },
  { weight: 12, arbitrary: partialPatch },
  { weight: 1, arbitrary: applyPatch },
  { weight: 2, arbitrary: objectBody },
);

const deleteOptions: fc.Arbitrary<MakeBody> = fc
  .record(
    {
      kind: fc.constantFrom('DeleteOptions', 'Pod'),
      apiVersion: fc.constantFrom('v1', 'apps/v1', 'meta.k8s.io/v1', 'x/y/z'),
      gracePeriodSeconds: fc.oneof(fc.constantFrom(0, -1, 30, '5', null, 1.5), raw),
      propagationPolicy: fc.constantFrom('Orphan', 'Foreground', 'Background', 'Other', 1),
      orphanDependents: fc.constantFrom(true, false, 'true'),
      preconditions: fc.constantFrom({ uid: 'x' }, { resourceVersion: '1' }, {}, [], { uid: 1 }),
      dryRun: fc.constantFrom(['All'], ['Some'], 'All', []),
    },
    { requiredKeys: [] },
  )
  .map((options) => () => ({ contentType: 'application/json', bytes: Buffer.from(toJson(options)) }));

export const deleteBody: fc.Arbitrary<MakeBody> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constant<MakeBody>(() => ({ contentType: 'application/json', bytes: new Uint8Array(0) })),
  },
  { weight: 4, arbitrary: deleteOptions },
  { weight: 1, arbitrary: garbage },
);

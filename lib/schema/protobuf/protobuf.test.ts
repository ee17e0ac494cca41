import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { ProtobufError } from './errors.js';
import { PROTOBUF_DEPTH_MAX, PROTOBUF_MESSAGES_MAX } from './limits.js';
import { messageTypes } from './message-types.js';
import { decodeProtobuf, encodeProtobuf } from './protobuf.js';
import { randomMessage } from './test-messages.js';

type JsonObject = Record<string, unknown>;

const source = builtinSchemas();
const types = messageTypes(source);

/** Field `number` with these bytes, shorter than 128. */
function delimited(number: number, ...parts: (string | readonly number[])[]): number[] {
  const content = parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part));
  return [number * 8 + 2, ...varint(content.length), ...content];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function body(apiVersion: string, kind: string, ...raw: (readonly number[])[]): Uint8Array {
  const typeMeta = delimited(1, delimited(1, apiVersion), delimited(2, kind));
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...typeMeta, ...delimited(2, raw.flat()), 0x1a, 0, 0x22, 0]);
}

function decode(bytes: Uint8Array): JsonObject {
  return decodeProtobuf(bytes, source).object;
}

describe('reading protobuf', () => {
  it('reads the namespace that kubectl creates', () => {
    const metadata = delimited(
      1,
      delimited(1, 'demo'),
      [0x12, 0, 0x1a, 0, 0x22, 0, 0x2a, 0, 0x32, 0, 0x38, 0, 0x42, 0],
    );
    const decoded = decodeProtobuf(body('v1', 'Namespace', metadata, [0x12, 0], [0x1a, 2, 0x0a, 0]), source);
    expect(decoded).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      object: { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'demo' }, spec: {}, status: {} },
    });
  });

  it('gives what Go would write as JSON of a message without fields', () => {
    expect(decode(body('apps/v1', 'Deployment'))).toEqual({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: {},
      spec: { selector: null, template: { metadata: {}, spec: { containers: null } }, strategy: {} },
      status: {},
    });
    expect(decode(body('rbac.authorization.k8s.io/v1', 'ClusterRole'))).toEqual({
      kind: 'ClusterRole',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: {},
      rules: null,
    });
  });

  it('keeps presence: a pointer to zero is not nothing', () => {
    expect(decode(body('apps/v1', 'Deployment', delimited(2, [0x08, 0])))['spec']).toMatchObject({ replicas: 0 });
  });

  it('reads integers of 64 bits without loss', () => {
    const deleteOptions = (...integer: number[]): unknown =>
      decode(body('v1', 'DeleteOptions', [0x08, ...integer]))['gracePeriodSeconds'];
    expect(deleteOptions(30)).toBe(30);
    expect(deleteOptions(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)).toBe(-1);
    expect(deleteOptions(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)).toBe(9223372036854775807n);
    expect(deleteOptions(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)).toBe(-9223372036854775808n);
  });

  it('reads DeleteOptions of any group, and takes the kind of the resource where the body names none', () => {
    const options = decodeProtobuf(body('example.com/v1', 'DeleteOptions', delimited(4, 'Background')), source);
    expect(options.object['propagationPolicy']).toBe('Background');
    const bytes = Uint8Array.from([0x6b, 0x38, 0x73, 0, ...delimited(2, delimited(2, delimited(3, 'node1')))]);
    expect(() => decode(bytes)).toThrow("Object 'Kind' is missing");
    const given = decodeProtobuf(bytes, source, { apiVersion: 'v1', kind: 'Binding' });
    expect(given.object).toMatchObject({ kind: 'Binding', apiVersion: 'v1', target: { name: 'node1' } });
  });

  it('merges a message that comes in pieces, takes the last of a scalar, and skips what it does not know', () => {
    const metadata = [
      ...delimited(1, delimited(1, 'first')),
      ...delimited(1, delimited(1, 'last'), delimited(3, 'space'), [0xf8, 0x3f, 7]),
    ];
    const group = [0xa3, 0x06, 0xa3, 0x06, 0x08, 1, 0xa4, 0x06, 0xa4, 0x06];
    expect(decode(body('v1', 'Pod', metadata, group))['metadata']).toEqual({ name: 'last', namespace: 'space' });
  });

  it('reads lists of integers, packed or not', () => {
    const groups = (...bytes: number[]): unknown =>
      (
        decode(body('v1', 'Pod', delimited(2, delimited(14, bytes))))['spec'] as {
          securityContext: { supplementalGroups: unknown };
        }
      ).securityContext.supplementalGroups;
    expect(groups(0x20, 1, 0x20, 0xac, 2)).toEqual([1, 300]);
    expect(groups(0x22, 3, 1, 0xac, 2)).toEqual([1, 300]);
  });

  it('reads an object embedded as protobuf like one embedded as JSON', () => {
    const embedded = body('v1', 'ConfigMap', delimited(1, delimited(1, 'inner')));
    const revision = decode(body('apps/v1', 'ControllerRevision', delimited(2, delimited(1, [...embedded]))));
    expect(revision['data']).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'inner' } });
    const asJson = decode(body('apps/v1', 'ControllerRevision', delimited(2, delimited(1, '{"n":9007199254740993}'))));
    expect(asJson['data']).toEqual({ n: 9007199254740993n });
  });
});

describe('refusing what is no protobuf', () => {
  const cases: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(), 'empty data'],
    ['JSON', Buffer.from('{"kind":"Pod"}'), 'does not appear to be a protobuf message'],
    ['part of the magic', Uint8Array.from([0x6b, 0x38]), 'does not appear to be a protobuf message'],
    ['the magic alone', Uint8Array.from([0x6b, 0x38, 0x73, 0]), 'empty body'],
    [
      'a kind that is not built in',
      body('example.com/v1', 'Widget'),
      'no kind "Widget" is registered for version "example.com/v1"',
    ],
    ['a name of an inherited property', body('v1', 'constructor'), 'no kind "constructor"'],
    ['a length beyond the message', body('v1', 'Pod', [0x0a, 0x7f, 1]), 'reaches beyond its message'],
    [
      'a length of 64 bits',
      body('v1', 'Pod', [0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
      'reaches beyond',
    ],
    ['an integer without an end', body('v1', 'Pod', Array<number>(11).fill(0x88)), 'more than 64 bits'],
    ['a wrong wire type', body('v1', 'Pod', [0x08, 1]), 'wrong wire type 0 for field metadata of Pod'],
    ['field number 0', body('v1', 'Pod', [0x02, 0]), 'illegal tag'],
    ['a group without an end', body('v1', 'Pod', [0xa3, 0x06]), 'unexpected end of data'],
    ['a content encoding', Uint8Array.from([...body('v1', 'Pod'), ...delimited(3, 'gzip')]), 'content encoding "gzip"'],
    [
      'embedded text that is no JSON',
      body('apps/v1', 'ControllerRevision', delimited(2, delimited(1, '{'))),
      'not valid JSON',
    ],
    [
      'a time beyond the calendar',
      body('v1', 'Pod', delimited(1, delimited(8, [0x08, 255, 255, 255, 255, 255, 127]))),
      'no time',
    ],
  ];
  it.each(cases)('%s', (_, bytes, message) => {
    expect(() => decode(bytes)).toThrow(ProtobufError);
    expect(() => decode(bytes)).toThrow(message);
  });

  it('more messages or deeper ones than the limits allow', () => {
    const many = Buffer.alloc(PROTOBUF_MESSAGES_MAX * 2 + 2);
    for (let index = 0; index < many.length; index += 2) many[index] = 0x12;
    const list = Buffer.concat([
      Uint8Array.from([0x6b, 0x38, 0x73, 0, ...delimited(1, delimited(1, 'v1'), delimited(2, 'PodList')), 0x12]),
      Uint8Array.from(varint(many.length)),
      many,
    ]);
    expect(() => decode(list)).toThrow(`more than ${PROTOBUF_MESSAGES_MAX} messages`);
    let schema: JsonObject = {};
    for (let depth = 0; depth < PROTOBUF_DEPTH_MAX; depth++) schema = { not: schema };
    const deep = encodeProtobuf(definitionWith(schema), source);
    expect(() => decode(deep)).toThrow(`nested more than ${PROTOBUF_DEPTH_MAX} deep`);
  });

  it('anything random, with no other error', () => {
    const valid = encodeProtobuf(
      definitionWith({ type: 'object', properties: { a: { items: [{ type: 'string' }], default: { x: 1 } } } }),
      source,
    );
    const change = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) });
    const mutated = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
      const bytes = Uint8Array.from(valid);
      for (const { at, byte } of changes) bytes[at] = byte;
      return bytes;
    });
    const truncated = fc.nat(valid.length).map((length) => valid.subarray(0, length));
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => body('v1', 'Pod', [...bytes]));
    fc.assert(
      fc.property(fc.oneof(mutated, truncated, noise), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          if (!(error instanceof ProtobufError)) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

function definitionWith(openAPIV3Schema: JsonObject): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema } }] },
  };
}

describe('writing protobuf', () => {
  it('is the inverse of reading, for every kind', () => {
    const kinds = source
      .names()
      .flatMap((name) =>
        (source.definition(name)?.['x-kubernetes-group-version-kind'] ?? []).map((kind) => ({ ...kind, name })),
      )
      .filter(({ kind }) => kind !== 'WatchEvent');
    expect(kinds.length).toBeGreaterThan(130);
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.gen(), ({ group, version, kind, name }, random) => {
        const apiVersion = group === '' ? version : `${group}/${version}`;
        const object = { ...randomMessage(types.message(name), random), apiVersion, kind };
        const decoded = decode(encodeProtobuf(object, source));
        expect(decoded).toEqual(object);
        expect(Object.keys(decoded).slice(0, 2)).toEqual(['kind', 'apiVersion']);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses values of other types with the name of the field', () => {
    const pod =
      (spec: unknown): (() => unknown) =>
      () =>
        encodeProtobuf({ apiVersion: 'v1', kind: 'Pod', spec }, source);
    expect(pod('text')).toThrow('must be an object');
    expect(pod({ containers: {} })).toThrow('containers must be a list');
    expect(pod({ activeDeadlineSeconds: 1.5 })).toThrow('activeDeadlineSeconds must be an integer');
    expect(pod({ hostNetwork: 'yes' })).toThrow('hostNetwork must be a boolean');
    expect(() => encodeProtobuf({ kind: 'Pod' }, source)).toThrow('without apiVersion and kind');
  });
});

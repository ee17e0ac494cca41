import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../api/errors.js';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { REF_PREFIX } from '../schema.js';
import { jsonPatch, mergePatch, PatchError, strategicMergePatch } from './index.js';

type Objects = Record<string, unknown>;

const source = builtinSchemas();
const deployment = { $ref: `${REF_PREFIX}io.k8s.api.apps.v1.Deployment` };
const pod = { $ref: `${REF_PREFIX}io.k8s.api.core.v1.Pod` };

function smpPod(current: Objects, patch: unknown): unknown {
  return strategicMergePatch({ spec: current }, { spec: patch }, pod, source)['spec'];
}

describe('strategicMergePatch', () => {
  it('merges lists by key, new items in front as Kubernetes has it', () => {
    const current = {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '2' },
      ],
    };
    expect(
      smpPod(current, {
        containers: [
          { name: 'c', image: '3' },
          { name: 'b', image: '4' },
        ],
      }),
    ).toEqual({
      containers: [
        { name: 'c', image: '3' },
        { name: 'a', image: '1' },
        { name: 'b', image: '4' },
      ],
    });
  });

  it('deletes and replaces items', () => {
    const current = { containers: [{ name: 'a' }, { name: 'b' }] };
    expect(smpPod(current, { containers: [{ name: 'a', $patch: 'delete' }] })).toEqual({ containers: [{ name: 'b' }] });
    expect(smpPod(current, { containers: [{ $patch: 'replace' }, { name: 'z' }] })).toEqual({
      containers: [{ name: 'z' }],
    });
    expect(smpPod({ nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'replace', b: '2' } })).toEqual({
      nodeSelector: { b: '2' },
    });
    expect(smpPod({ nodeSelector: { a: '1', b: '2' } }, { nodeSelector: { a: null, c: '3' } })).toEqual({
      nodeSelector: { b: '2', c: '3' },
    });
  });

  it('replaces lists without a merge strategy', () => {
    const current = { containers: [{ name: 'a', args: ['x', 'y'] }], tolerations: [{ key: 'a' }] };
    expect(smpPod(current, { containers: [{ name: 'a', args: ['z'] }], tolerations: [{ key: 'b' }] })).toEqual({
      containers: [{ name: 'a', args: ['z'] }],
      tolerations: [{ key: 'b' }],
    });
  });

  it('orders by $setElementOrder', () => {
    const current = { containers: [{ name: 'a' }, { name: 'server' }, { name: 'b' }] };
    const patch = {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
      containers: [{ name: 'a', image: 'x' }],
    };
    expect(smpPod(current, patch)).toEqual({
      containers: [{ name: 'server' }, { name: 'b' }, { name: 'a', image: 'x' }],
    });
  });

  it('merges, orders and deletes from lists of primitives', () => {
    const meta = (finalizers: string[], patch: unknown): unknown =>
      strategicMergePatch({ metadata: { finalizers } }, { metadata: patch }, pod, source)['metadata'];
    expect(meta(['a', 'b'], { finalizers: ['c', 'a'] })).toEqual({ finalizers: ['c', 'a', 'b'] });
    expect(meta(['a', 'b'], { '$deleteFromPrimitiveList/finalizers': ['a'] })).toEqual({ finalizers: ['b'] });
    expect(meta(['a', 'b'], { '$setElementOrder/finalizers': ['b', 'a'] })).toEqual({ finalizers: ['b', 'a'] });
  });

  it('retains keys', () => {
    const current = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(strategicMergePatch(current, patch, deployment, source)).toEqual({
      spec: { strategy: { type: 'Recreate' } },
    });
  });

  it.each([
    [{ containers: [{ image: 'x' }] }, 'map: map[image:x] does not contain declared merge key: name'],
    [{ containers: [{ name: 'a', $patch: 'zap' }] }, 'unknown patch type: zap in map: map[$patch:zap name:a]'],
    [{ containers: [{ $patch: 'merge' }] }, 'merging lists cannot yet be specified in the patch'],
    [{ containers: [{ name: 'a' }, 'x'] }, 'list element types are not identical: [[map[name:a]] [map[name:a] x]]'],
    [{ nodeSelector: { $patch: 'merge' } }, 'unknown patch type: merge in map: map[$patch:merge]'],
    [{ nodeSelector: { $retainKeys: 'x' } }, 'invalid patch format of retainKeys'],
    [{ nodeSelector: { $retainKeys: [], x: '1' } }, 'invalid patch format of retainKeys'],
    [{ '$setElementOrder/containers': 'x' }, 'expected a []interface {}, but received a string'],
    [{ $setElementOrder: [] }, 'invalid patch format of setElementOrder list'],
  ])('refuses %j in the words of Kubernetes', (patch, message) => {
    const current = { containers: [{ name: 'a' }], nodeSelector: { a: '1' } };
    expect(() => smpPod(current, patch)).toThrow(new PatchError('BadPatch', message));
  });

  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
  const container = (name: string) =>
    fc.record(
      {
        name: fc.constant(name),
        image: fc.constantFrom('x', 'y'),
        args: fc.array(fc.constantFrom('1', '2'), { maxLength: 2 }),
        env: names.chain((list) =>
          fc.tuple(...list.map((one) => fc.constantFrom({ name: one }, { name: one, value: '1' }))),
        ),
      },
      { requiredKeys: ['name'] },
    );
  const spec = fc.record(
    {
      containers: names.chain((list) => fc.tuple(...list.map(container))),
      nodeSelector: fc.dictionary(fc.constantFrom('k', 'l', '__proto__'), fc.constantFrom('1', '2'), { maxKeys: 2 }),
      hostNetwork: fc.boolean(),
    },
    { requiredKeys: [] },
  );

  it('is idempotent, changes nothing it is given, and loses no item that the patch does not name', () => {
    fc.assert(
      fc.property(spec, spec, (current, patch) => {
        const before = JSON.stringify([current, patch]);
        const once = smpPod(current, patch) as Objects;
        expect(smpPod(once, patch)).toEqual(once);
        expect(smpPod(current, {})).toEqual(current);
        expect(JSON.stringify([current, patch])).toBe(before);
        const keys = ((once['containers'] ?? []) as Objects[]).map((one) => one['name']);
        const expected = [...(current.containers ?? []), ...(patch.containers ?? [])].map((one) => one.name);
        expect(new Set(keys)).toEqual(new Set(expected));
        expect(keys).toHaveLength(new Set(expected).size);
      }),
    );
  });

  it('throws nothing but PatchError', () => {
    const anything = fc.anything({
      key: fc.constantFrom(
        'spec',
        'containers',
        'name',
        '$patch',
        '$retainKeys',
        '$setElementOrder/containers',
        '__proto__',
      ),
      values: [fc.constantFrom('a', 'delete', 'replace', 'merge', null, 1)],
      maxDepth: 6,
    });
    fc.assert(
      fc.property(spec, anything, (current, patch) => {
        try {
          smpPod(current, patch);
        } catch (error) {
          expect(error).toBeInstanceOf(PatchError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('mergePatch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1, null] }, { a: [1, null] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  ])('follows RFC 7386: %j with %j is %j', (current, patch, result) => {
    expect(mergePatch(current as Objects, patch)).toEqual(result);
  });

  it('refuses what is no object', () => {
    for (const patch of [null, [], 'x', 1]) expect(() => mergePatch({}, patch)).toThrow('Invalid JSON Patch');
  });
});

describe('jsonPatch', () => {
  const current = { a: { 'x/y': 1, 'm~n': 2 }, l: [1, 2, 3], n: null };

  it.each([
    [{ op: 'add', path: '/l/-', value: 4 }, { l: [1, 2, 3, 4] }],
    [{ op: 'add', path: '/l/1', value: 9 }, { l: [1, 9, 2, 3] }],
    [{ op: 'add', path: '/l/-1', value: 9 }, { l: [1, 2, 3, 9] }],
    [{ op: 'remove', path: '/l/-1' }, { l: [1, 2] }],
    [{ op: 'replace', path: '/a/x~1y', value: 5 }, { a: { 'x/y': 5, 'm~n': 2 } }],
    [{ op: 'remove', path: '/a/m~0n' }, { a: { 'x/y': 1 } }],
    [{ op: 'replace', path: '/new', value: 5 }, { new: 5 }],
    [
      { op: 'move', from: '/l/0', path: '/first' },
      { l: [2, 3], first: 1 },
    ],
    [{ op: 'copy', from: '/a', path: '/b' }, { b: { 'x/y': 1, 'm~n': 2 } }],
    [{ op: 'test', path: '/l', value: [1, 2, 3] }, {}],
    [{ op: 'test', path: '/n', value: null }, {}],
    [{ op: 'test', path: '/missing', value: null }, {}],
  ])('applies %j', (operation, changes) => {
    expect(jsonPatch(current, [operation])).toEqual({ ...current, ...changes });
  });

  it.each([
    [{ op: 'test', path: '/l/0', value: 2 }, 'testing value /l/0 failed: test failed'],
    [
      { op: 'remove', path: '/x' },
      "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      { op: 'add', path: '/l/9', value: 1 },
      "error in add for path: '/l/9': Unable to access invalid index: 9: invalid index referenced",
    ],
    [{ op: 'add', path: '/x/y', value: 1 }, 'add operation does not apply: doc is missing path: "/x/y": missing value'],
    [
      { op: 'replace', path: '/l/7', value: 1 },
      'replace operation does not apply: doc is missing key: /l/7: missing value',
    ],
    [{ op: 'hop', path: '/l' }, 'Unexpected kind: hop'],
    [{ op: 'add', value: 1 }, 'add operation failed to decode path: missing value'],
    [
      { op: 'add', path: '/l/x', value: 1 },
      `error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    ],
  ])('refuses %j in the words of Kubernetes', (operation, message) => {
    expect(() => jsonPatch(current, [operation])).toThrow(expect.objectContaining({ name: 'PatchError', message }));
  });

  it('bounds operations and copying', () => {
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/n', value: null }));
    expect(() => jsonPatch(current, many)).toThrow(
      'The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
    const doubling = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/l', path: '/l/-' }));
    expect(() => jsonPatch(current, doubling)).toThrow('exceeding the limit 3145728');
    expect(() => jsonPatch(current, {})).toThrow('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  });

  it('answers with the Status that Kubernetes gives', () => {
    const status = (patch: unknown): [number, string] => {
      try {
        jsonPatch(current, patch);
      } catch (error) {
        const answer = (error as PatchError).toApiError();
        expect(answer).toBeInstanceOf(ApiError);
        return [answer.code, answer.reason];
      }
      throw new Error('was accepted');
    };
    expect(status([{ op: 'test', path: '/l', value: 0 }])).toEqual([422, 'Invalid']);
    expect(status({})).toEqual([400, 'BadRequest']);
    expect(status(Array.from({ length: 10_001 }, () => ({})))).toEqual([413, 'RequestEntityTooLarge']);
  });

  it('changes nothing it is given and throws nothing but PatchError', () => {
    const path = fc.constantFrom(
      '',
      '/',
      '/a',
      '/a/x~1y',
      '/l',
      '/l/0',
      '/l/-',
      '/l/-1',
      '/l/99',
      '/zz/y',
      'l',
      '/__proto__/x',
      '/n/q',
    );
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'other'),
        path,
        from: path,
        value: fc.jsonValue({ maxDepth: 2 }),
      },
      { requiredKeys: [] },
    );
    const before = JSON.stringify(current);
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (patch) => {
        try {
          jsonPatch(current, patch);
        } catch (error) {
          expect(error).toBeInstanceOf(PatchError);
        }
        expect(JSON.stringify(current)).toBe(before);
        expect(({} as Objects)['x']).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});

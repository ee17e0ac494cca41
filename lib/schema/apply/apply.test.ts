import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepEqual } from '../../api/equality.js';
import { applyConfiguration, type Applied } from './apply.js';
import { compareObjects, WHOLE_OBJECT } from './object-scope.js';
import { ConflictError } from './conflicts.js';
import { difference, fieldsOf, hasField, intersection, readFieldSet, union, type FieldSet } from './field-set.js';
import { existingFields, fieldSetOf } from './field-set-of.js';
import { readEntries, trustedEntries, writeEntries, type ManagerEntry } from './managed-fields.js';
import { mergeTypeOf } from './merge-type.js';
import { printPath } from './path-element.js';
import { EVERYTHING, everything, SOURCE } from './test-objects.js';
import { updateManagers } from './update-managers.js';

const TYPE = mergeTypeOf(EVERYTHING, SOURCE, { goZeroValues: false });
const RUNS = { numRuns: 40 };
const NOTHING: Applied = { object: {}, entries: [] };

function apply(before: Applied, manager: string, config: object, force = true): Promise<Applied> {
  return applyConfiguration({
    live: before.object,
    config,
    entries: before.entries,
    writer: { manager, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' },
    scope: WHOLE_OBJECT,
    versions: { typeOf: () => TYPE, convert: (object) => Promise.resolve(object) },
    force,
  });
}

function update(before: Applied, manager: string, object: object): Applied {
  const changes = new Map([['v1', compareObjects(TYPE, before.object, object, WHOLE_OBJECT)]]);
  const writer = { manager, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:01Z' };
  return { object, entries: updateManagers(before.entries, changes, writer) };
}

function fieldsBy(state: Applied): Record<string, FieldSet | undefined> {
  return Object.fromEntries(state.entries.map(({ manager, fields }) => [manager, fields]));
}

const step = fc.record({ manager: fc.constantFrom('a', 'b', 'c'), object: everything, isUpdate: fc.boolean() });

async function run(steps: readonly { manager: string; object: object; isUpdate: boolean }[]): Promise<Applied> {
  let state = NOTHING;
  for (const { manager, object, isUpdate } of steps) {
    state = isUpdate ? update(state, `${manager}-update`, object) : await apply(state, manager, object);
  }
  return state;
}

const history = fc.array(step, { maxLength: 5 });

describe('properties', () => {
  it('apply is idempotent: the second time nothing changes, times neither', async () => {
    await fc.assert(
      fc.asyncProperty(history, everything, async (steps, config) => {
        const once = await apply(await run(steps), 'me', config);
        const twice = await apply(once, 'me', config, false);
        expect(twice.object).toBe(once.object);
        expect(writeEntries(twice.entries)).toEqual(writeEntries(once.entries));
      }),
      RUNS,
    );
  });

  it('what was applied is there, and its manager owns it and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(history, everything, async (steps, config) => {
        const after = await apply(await run(steps), 'me', config);
        const owned = fieldsBy(after)['me'];
        expect(owned).toEqual(fieldSetOf(TYPE, config));
        expect(owned && existingFields(TYPE, after.object, owned)).toEqual(owned);
      }),
      RUNS,
    );
  });

  it('ownership never names a field that does not exist, whoever writes what', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { object, entries } = await run(steps);
        for (const { fields } of entries) {
          expect(fields).toBeDefined();
          expect(existingFields(TYPE, object, fields as FieldSet)).toBe(fields);
        }
      }),
      RUNS,
    );
  });

  it('managers whose configurations do not overlap commute', async () => {
    await fc.assert(
      fc.asyncProperty(everything, everything, async (left, right) => {
        const [a, b] = apart(left, right);
        const one = await apply(await apply(NOTHING, 'a', a), 'b', b, false);
        const other = await apply(await apply(NOTHING, 'b', b), 'a', a, false);
        expect(deepEqual(one.object, other.object)).toBe(true);
        expect(fieldsBy(one)).toEqual(fieldsBy(other));
      }),
      RUNS,
    );
  });

  it('what only its manager owned goes when it is not applied any more; what others own stays', async () => {
    await fc.assert(
      fc.asyncProperty(everything, everything, async (mine, theirs) => {
        const [a, b] = apart(mine, theirs);
        const both = await apply(await apply(NOTHING, 'a', a), 'b', b);
        const after = await apply(both, 'a', {});
        const left = fieldSetOf(TYPE, after.object);
        const owned = fieldSetOf(TYPE, b);
        expect(intersection(left, difference(fieldSetOf(TYPE, a), owned))).toBeUndefined();
        expect(intersection(left, owned)).toEqual(owned);
        expect(after.entries.map(({ manager }) => manager)).toEqual(owned === undefined ? [] : ['b']);
      }),
      RUNS,
    );
  });

  it('without force an apply changes nothing that others own, or fails and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(history, everything, async (steps, config) => {
        const before = await run(steps);
        const others = before.entries.filter(({ manager }) => manager !== 'a');
        try {
          const after = await apply(before, 'a', config, false);
          const change = compareObjects(TYPE, before.object, after.object, WHOLE_OBJECT);
          for (const { fields } of others) {
            expect(intersection(fields, union(change?.added, change?.modified))).toBeUndefined();
          }
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error;
          expect(error.causes().length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });

  it('entries come back from JSON exactly as they were, in canonical form', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { entries } = await run(steps);
        const written = writeEntries(entries);
        const text = JSON.stringify(written);
        const parsed = JSON.parse(text ?? '[]') as unknown[];
        expect(JSON.stringify(writeEntries(trustedEntries(parsed)))).toBe(text);
        expect(JSON.stringify(writeEntries(readEntries(parsed)))).toBe(text);
      }),
      RUNS,
    );
  });

  it('sets obey the laws of sets', () => {
    const set = everything.map((object) => fieldSetOf(TYPE, object));
    const paths = (one: FieldSet | undefined): string[] => [...fieldsOf(one)].map((path) => path.join('\n')).toSorted();
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [left, right] = [paths(a), paths(b)];
        expect(paths(union(a, b))).toEqual([...new Set([...left, ...right])].toSorted());
        expect(paths(difference(a, b))).toEqual(left.filter((path) => !right.includes(path)));
        expect(paths(intersection(a, b))).toEqual(left.filter((path) => right.includes(path)));
        expect(readFieldSet(JSON.parse(JSON.stringify(a ?? {})))).toEqual(a);
        for (const path of fieldsOf(a)) expect(hasField(a, path)).toBe(true);
      }),
      RUNS,
    );
  });
});

/** Two configurations that have no member in common, so that neither has a say in what the other says. */
function apart(left: object, right: object): [object, object] {
  const names = new Set(Object.keys(left));
  return [left, Object.fromEntries(Object.entries(right).filter(([name]) => !names.has(name)))];
}

describe('field sets', () => {
  const setOf = (object: object): FieldSet | undefined => fieldSetOf(TYPE, object);

  it('are written as Kubernetes writes them', () => {
    const object = {
      text: 'x',
      map: { b: '1', a: '2' },
      ports: [{ port: 443 }, { port: 80, protocol: 'UDP', x: 'y' }],
      set: ['b', 'a<'],
      numbers: [10, 9],
      atomic: ['x'],
      recursive: { items: [{ name: 'n', next: {} }] },
      whole: { name: 'n' },
    };
    expect(JSON.stringify(setOf(object))).toBe(
      JSON.stringify({
        'f:atomic': {},
        'f:map': { 'f:a': {}, 'f:b': {} },
        'f:numbers': { 'v:9': {}, 'v:10': {} },
        'f:ports': {
          'k:{"port":80,"protocol":"UDP"}': { '.': {}, 'f:port': {}, 'f:protocol': {}, 'f:x': {} },
          'k:{"port":443,"protocol":"TCP"}': { '.': {}, 'f:port': {} },
        },
        'f:recursive': { 'f:items': { 'k:{"name":"n"}': { '.': {}, 'f:name': {}, 'f:next': {} } } },
        'f:set': { 'v:"a\\u003c"': {}, 'v:"b"': {} },
        'f:text': {},
        'f:whole': {},
      }),
    );
  });

  it('are read in whatever form they come; what is not known is left out, what is broken refused', () => {
    expect(readFieldSet({ 'k:{ "b": 1, "a": "x" }': {}, 'f:z': { '.': {} }, 'f:a': {}, 'q:new': {} })).toEqual({
      'f:a': {},
      'f:z': {},
      'k:{"a":"x","b":1}': {},
    });
    for (const broken of [{ f: {} }, { 'x-y': {} }, { 'k:{': {} }, { 'k:1': {} }, { 'i:x': {} }, [], { 'f:a': 1 }]) {
      expect(() => readFieldSet(broken)).toThrow();
    }
  });

  it('paths are printed as Kubernetes prints them', () => {
    const set = setOf({ ports: [{ port: 80, x: 'y' }], set: ['a'], numbers: [3] });
    expect([...fieldsOf(set)].map(printPath)).toEqual([
      '.numbers[=3]',
      '.ports[port=80,protocol="TCP"]',
      '.ports[port=80,protocol="TCP"].port',
      '.ports[port=80,protocol="TCP"].x',
      '.set[="a"]',
    ]);
  });
});

describe('conflicts', () => {
  it('one is told in one line, several by manager', async () => {
    const entry = (manager: string, more: Partial<ManagerEntry>): ManagerEntry => ({
      manager,
      operation: 'Update',
      apiVersion: 'apps/v1',
      subresource: '',
      time: '2026-01-01T00:00:00Z',
      fields: { 'f:text': {} },
      ...more,
    });
    const one = new ConflictError([{ entry: entry('m', {}), fields: { 'f:text': {} } }]);
    expect(one.message).toBe('Apply failed with 1 conflict: conflict with "m" using apps/v1: .text');
    expect(one.causes()).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "m" using apps/v1', field: '.text' },
    ]);
    const several = new ConflictError([
      { entry: entry('m', { subresource: 'status' }), fields: { 'f:text': {} } },
      { entry: entry('a', { operation: 'Apply' }), fields: { 'f:a': {}, 'f:map': { 'f:x': {} } } },
    ]);
    expect(several.message).toBe(
      'Apply failed with 3 conflicts: conflicts with "a":\n- .a\n- .map.x\nconflicts with "m" with subresource "status" using apps/v1:\n- .text',
    );
  });
});

describe('managers', () => {
  it('of updates are kept apart up to ten; older ones are merged', () => {
    let state = NOTHING;
    for (let index = 0; index < 13; index++) {
      const fields = { 'f:map': { [`f:${index}`]: {} } };
      const time = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString().replace('.000', '');
      const changes = new Map([['v1', { added: fields, modified: undefined, removed: undefined }]]);
      const writer = { manager: `m${index}`, apiVersion: 'v1', subresource: '', time };
      state = { object: {}, entries: updateManagers(state.entries, changes, writer) };
    }
    const written = writeEntries(state.entries) as { manager: string; time: string; fieldsV1: object }[];
    expect(written.map(({ manager }) => manager)).toEqual([
      'ancient-changes',
      ...Array.from({ length: 9 }, (_, i) => `m${i + 4}`),
    ]);
    expect(written[0]).toMatchObject({
      time: '2026-01-01T00:03:00Z',
      fieldsV1: { 'f:map': { 'f:0': {}, 'f:1': {}, 'f:2': {}, 'f:3': {} } },
    });
  });
});

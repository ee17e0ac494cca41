import { describe, expect, test } from 'vitest';
import { builtinSchemas } from '../builtin/builtin-schemas.js';
import { strategicMergePatch } from '../patch/index.js';
import type { Schema } from '../schema.js';
import { applyConfiguration, type Applied } from './apply.js';
import { ConflictError } from './conflicts.js';
import { everyList, listIn, nameOf, objectWith, pathOf, type ListCase } from './every-list.js';
import { isMember } from './field-set.js';
import { mergeTypeOf } from './merge-type.js';
import { SELF } from './path-element.js';
import { WHOLE_OBJECT } from './object-scope.js';

const SOURCE = builtinSchemas();
const CASES = new Map<string, ListCase[]>();
for (const list of everyList()) {
  const title = `${list.apiVersion} ${list.kind}`;
  CASES.set(title, [...(CASES.get(title) ?? []), list]);
}

function schemaOf({ definition }: ListCase): Schema {
  return SOURCE.definition(definition) as Schema;
}

async function apply(
  list: ListCase,
  before: Applied,
  manager: string,
  items: unknown[] | undefined,
  force = false,
): Promise<Applied> {
  const type = mergeTypeOf(schemaOf(list), SOURCE, { goZeroValues: true });
  return applyConfiguration({
    live: before.object,
    config: items === undefined ? objectWith({ ...list, steps: [] }, {}) : objectWith(list, { [nameOf(list)]: items }),
    entries: before.entries,
    writer: { manager, apiVersion: list.apiVersion, subresource: '', time: '2026-01-01T00:00:00Z' },
    scope: WHOLE_OBJECT,
    versions: { typeOf: () => type, convert: (object) => Promise.resolve(object) },
    force,
  });
}

function ids(list: ListCase, object: unknown): number[] {
  return ((listIn(list, object) ?? []) as unknown[]).map((item) => list.idOf(item));
}

/** The items of the list that a manager owns, by element. */
function ownedItems(list: ListCase, { entries }: Applied, manager: string): string[] {
  let node = entries.find((entry) => entry.manager === manager)?.fields;
  for (const element of pathOf(list)) node = node?.[element];
  return Object.entries(node ?? {})
    .filter(([element, inner]) => element !== SELF && isMember(inner))
    .map(([element]) => element);
}

async function checkMerged(list: ListCase): Promise<void> {
  const { item } = list;
  const one = await apply(list, { object: {}, entries: [] }, 'a', [item(1), item(2)]);
  const two = await apply(list, one, 'b', [item(3)]);
  expect(ids(list, two.object), 'adds').toEqual([1, 2, 3]);
  expect((listIn(list, two.object) as unknown[]).slice(0, 2), 'keeps').toEqual([item(1), item(2)]);
  const three = await apply(list, two, 'a', [item(2, list.canChange), item(1)]);
  // What others own stays behind what it stood behind, not behind all that its list had.
  expect(ids(list, three.object), 'reorders').toEqual([2, 3, 1]);
  expect((listIn(list, three.object) as unknown[])[0], 'changes').toEqual(item(2, list.canChange));
  const four = await apply(list, three, 'a', [item(1)]);
  expect(ids(list, four.object), 'deletes').toEqual([3, 1]);
  expect(ownedItems(list, four, 'a')).toEqual([list.element(1)]);
  expect(ownedItems(list, four, 'b')).toEqual([list.element(3)]);
  const five = await apply(list, four, 'b', undefined);
  expect(ids(list, five.object), 'deletes the last of a manager').toEqual([1]);
}

async function checkAtomic(list: ListCase): Promise<void> {
  const { item } = list;
  const one = await apply(list, { object: {}, entries: [] }, 'a', [item(1), item(2)]);
  await expect(apply(list, one, 'b', [item(3)]), 'conflicts').rejects.toThrow(ConflictError);
  const two = await apply(list, one, 'b', [item(3)], true);
  expect(listIn(list, two.object), 'replaces').toEqual([item(3)]);
  const three = await apply(list, two, 'a', [item(2), item(1)], true);
  expect(listIn(list, three.object), 'reorders').toEqual([item(2), item(1)]);
  const four = await apply(list, three, 'a', [item(1)]);
  expect(listIn(list, four.object), 'deletes').toEqual([item(1)]);
  const five = await apply(list, four, 'a', undefined);
  expect(ids(list, five.object)).toEqual([]);
}

function checkPatch(list: ListCase): void {
  const { item, mergeKey } = list;
  const name = nameOf(list);
  const before = objectWith(list, { [name]: [item(1), item(2)] });
  const patched = (members: Record<string, unknown>): unknown =>
    strategicMergePatch(before, objectWith(list, members), schemaOf(list), SOURCE);
  if (list.patch === 'replace') {
    expect(listIn(list, patched({ [name]: [item(3)] })), 'replaces').toEqual([item(3)]);
    return;
  }
  const added = ids(list, patched({ [name]: [item(3)] }));
  expect(added.toSorted(), 'adds').toEqual([1, 2, 3]);
  expect(
    added.filter((id) => id !== 3),
    'keeps the order',
  ).toEqual([1, 2]);
  const key = (n: number): unknown =>
    mergeKey === undefined ? item(n) : { [mergeKey]: (item(n) as Record<string, unknown>)[mergeKey] };
  expect(ids(list, patched({ [`$setElementOrder/${name}`]: [key(2), key(1)] })), 'reorders').toEqual([2, 1]);
  if (mergeKey === undefined) {
    expect(ids(list, patched({ [`$deleteFromPrimitiveList/${name}`]: [item(1)] })), 'deletes').toEqual([2]);
    return;
  }
  expect(ids(list, patched({ [name]: [{ $patch: 'delete', ...(key(1) as object) }] })), 'deletes').toEqual([2]);
  const changed = patched({ [name]: [item(2, list.canChange)] });
  expect(listIn(list, changed), 'changes').toEqual([item(1), item(2, list.canChange)]);
}

describe('every list of every built-in kind', () => {
  test('is found in the table of facts', () => {
    const all = [...CASES.values()].flat();
    expect(CASES.size).toBeGreaterThan(60);
    expect(all.length).toBeGreaterThan(1500);
    expect(new Set(all.map(({ ownership }) => ownership))).toEqual(new Set(['atomic', 'set', 'map']));
    expect(new Set(all.map(({ patch }) => patch))).toEqual(new Set(['merge', 'replace']));
  });

  test.each([...CASES])(
    '%s: server-side apply keeps, adds, changes, reorders and deletes the right items',
    async (_kind, lists) => {
      for (const list of lists) {
        try {
          await (list.ownership === 'atomic' ? checkAtomic(list) : checkMerged(list));
        } catch (error) {
          throw new Error(`${list.title} (${list.ownership})`, { cause: error });
        }
      }
    },
  );

  test.each([...CASES])('%s: strategic merge patch does too', (_kind, lists) => {
    for (const list of lists) {
      try {
        checkPatch(list);
      } catch (error) {
        throw new Error(`${list.title} (${list.patch} ${list.mergeKey ?? ''})`, { cause: error });
      }
    }
  });
});

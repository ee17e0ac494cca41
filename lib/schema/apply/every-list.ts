import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What the table of facts says of one member. */
interface FieldFacts {
  type: string;
  inline?: boolean;
  default?: unknown;
  listType?: string;
  listMapKeys?: string[];
  mapType?: string;
  patchStrategy?: string;
  patchMergeKey?: string;
}

interface TypeFacts {
  kinds?: string[];
  mapType?: string;
  fields?: Record<string, FieldFacts>;
}

const FACTS = path.resolve(import.meta.dirname, '../facts');

const types: Record<string, TypeFacts> = Object.assign(
  {},
  ...readdirSync(FACTS).map((file) => JSON.parse(readFileSync(path.join(FACTS, file), 'utf8')) as object),
);

type Step =
  | { kind: 'member'; name: string }
  | { kind: 'entry' }
  /** The item of a list; the item that stands for it in every object. */
  | { kind: 'item'; item: Record<string, unknown>; element: string };

/** One list of one kind, as the facts describe it. */
export interface ListCase {
  readonly title: string;
  readonly definition: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly steps: readonly Step[];
  /** How it is owned: `atomic` too where something around it is. */
  readonly ownership: 'atomic' | 'set' | 'map';
  /** How a strategic merge patch merges it: not at all where a list around it is replaced. */
  readonly patch: 'merge' | 'replace';
  readonly mergeKey: string | undefined;
  /** The n-th item; `changed` says something else under the same identity. */
  item(n: number, changed?: boolean): unknown;
  /** Whether an item can say something else under the same identity. */
  readonly canChange: boolean;
  /** The item's path element in fieldsV1. */
  element(n: number): string;
  /** Which item this is. */
  idOf(item: unknown): number;
}

const DEFINITION = /io\.k8s\.[\w.-]+/;

/** The members of a type, those of embedded types among them. */
function membersOf(name: string): Record<string, FieldFacts> {
  const members: Record<string, FieldFacts> = {};
  for (const [member, facts] of Object.entries(types[name]?.fields ?? {})) {
    if (facts.inline === true) Object.assign(members, membersOf(facts.type));
    else members[member] = facts;
  }
  return members;
}

/** How far values are made, since types may be in themselves. */
const DEPTH_MAX = 5;

/** A value of a type that says `n`. */
function valueOf(type: string, n: number, depth = 0): unknown {
  const plain = type.replace(/^\*/, '');
  if (plain.startsWith('[]')) return [valueOf(plain.slice(2), n, depth + 1)];
  if (plain.startsWith('map[')) return { key: valueOf(plain.slice(plain.indexOf(']') + 1), n, depth + 1) };
  if (plain === 'bool') return n % 2 === 0;
  if (plain === 'bytes') return Buffer.from(`v${n}`).toString('base64');
  if (/^(int|double)/.test(plain) || plain.endsWith('IntOrString')) return 100 + n;
  if (plain.endsWith('.Quantity')) return String(n);
  if (plain.endsWith('Time')) return `2026-01-0${n}T00:00:00Z`;
  if (!plain.startsWith('io.k8s.')) return `v${n}`;
  const members = depth < DEPTH_MAX ? Object.entries(membersOf(plain)) : [];
  const telling = members.find(([, facts]) => tells(facts.type, depth + 1));
  return telling === undefined ? {} : { [telling[0]]: valueOf(telling[1].type, n, depth + 1) };
}

/** Whether values of a type can say who they are. */
function tells(type: string, depth = 0): boolean {
  return !same(valueOf(type, 1, depth), valueOf(type, 2, depth));
}

function isScalar(type: string): boolean {
  return /^\*?(string|int|double|bytes)/.test(type);
}

interface ItemRules {
  item(n: number, changed?: boolean): unknown;
  canChange: boolean;
  element(n: number): string;
  idOf(item: unknown): number;
}

/** Items of a list with these facts, told apart by their keys, or where they have none by what they say. */
function itemsOf(facts: FieldFacts): ItemRules {
  const type = facts.type.slice(2);
  const definition = DEFINITION.exec(type)?.[0];
  const members = definition === undefined ? {} : membersOf(definition);
  if (definition === undefined || Object.keys(members).length === 0) {
    const byText = (item: unknown): number => [1, 2, 3].findIndex((n) => same(item, valueOf(type, n))) + 1;
    return {
      item: (n) => valueOf(type, n),
      canChange: false,
      element: (n) => `v:${JSON.stringify(valueOf(type, n))}`,
      idOf: byText,
    };
  }
  const keys = [
    ...new Set([...(facts.listMapKeys ?? []), ...(facts.patchMergeKey === undefined ? [] : [facts.patchMergeKey])]),
  ];
  const given = keys.filter((name) => members[name]?.default === undefined);
  const scalars = Object.keys(members).filter((name) => isScalar(members[name]?.type ?? '') && !keys.includes(name));
  const telling = Object.keys(members).filter((name) => tells(members[name]?.type ?? ''));
  const identity = [given, keys, [...scalars, ...telling].slice(0, 1)].find(({ length }) => length > 0) ?? [];
  const other = scalars.find((name) => !identity.includes(name));
  const typeOf = (name: string): string => members[name]?.type ?? 'string';
  const item = (n: number, changed = false): Record<string, unknown> => ({
    ...Object.fromEntries(identity.map((name) => [name, valueOf(typeOf(name), n)])),
    ...(other === undefined ? {} : { [other]: valueOf(typeOf(other), changed ? 9 : 8) }),
  });
  return {
    item,
    canChange: other !== undefined,
    element: (n) => {
      const named = (facts.listMapKeys ?? [])
        .toSorted()
        .map((name) => [name, identity.includes(name) ? valueOf(typeOf(name), n) : members[name]?.default] as const);
      return `k:${JSON.stringify(Object.fromEntries(named))}`;
    },
    idOf: (one) => {
      const of = one as Record<string, unknown>;
      return [1, 2, 3].findIndex((n) => identity.every((name) => same(of[name], valueOf(typeOf(name), n)))) + 1;
    },
  };
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

interface Place {
  definition: string;
  steps: readonly Step[];
  isAtomic: boolean;
  isReplaced: boolean;
  around: readonly string[];
}

/** Every list of every built-in kind that has metadata, wherever it stands. */
export function everyList(): ListCase[] {
  const cases: ListCase[] = [];
  for (const [definition, { kinds = [] }] of Object.entries(types)) {
    if (membersOf(definition)['metadata']?.type.endsWith('.ObjectMeta') !== true) continue;
    for (const one of kinds) {
      const cut = one.lastIndexOf('/');
      const root = { definition, apiVersion: one.slice(0, cut), kind: one.slice(cut + 1) };
      collect(cases, root, { definition, steps: [], isAtomic: false, isReplaced: false, around: [definition] });
    }
  }
  return cases;
}

function collect(cases: ListCase[], root: Pick<ListCase, 'definition' | 'apiVersion' | 'kind'>, place: Place): void {
  for (const [name, facts] of Object.entries(membersOf(place.definition))) {
    if (name === 'managedFields') continue;
    const steps: Step[] = [...place.steps, { kind: 'member', name }];
    visit(cases, root, { ...place, steps }, facts, facts.type.replace(/^\*/, ''));
  }
}

function visit(
  cases: ListCase[],
  root: Pick<ListCase, 'definition' | 'apiVersion' | 'kind'>,
  place: Place,
  facts: FieldFacts,
  type: string,
): void {
  const isAtomic = place.isAtomic || facts.mapType === 'atomic';
  if (type.startsWith('map[string]')) {
    visit(
      cases,
      root,
      { ...place, isAtomic, steps: [...place.steps, { kind: 'entry' }] },
      { type: '' },
      type.slice(11),
    );
    return;
  }
  if (!type.startsWith('[]')) {
    descend(cases, root, { ...place, isAtomic }, type);
    return;
  }
  const rules = itemsOf({ ...facts, type });
  const listType = facts.listType === 'map' || facts.listType === 'set' ? facts.listType : 'atomic';
  const isMerged = facts.patchStrategy?.split(',').includes('merge') === true && !place.isReplaced;
  cases.push({
    ...root,
    ...rules,
    title: `${place.steps.map((step) => (step.kind === 'member' ? `.${step.name}` : step.kind === 'item' ? '[]' : '{}')).join('')}`,
    steps: place.steps,
    ownership: isAtomic ? 'atomic' : listType,
    patch: isMerged ? 'merge' : 'replace',
    mergeKey: facts.patchMergeKey,
  });
  const item = rules.item(1);
  if (typeof item !== 'object' || item === null) return;
  const inside: Place = {
    ...place,
    steps: [...place.steps, { kind: 'item', item: item as Record<string, unknown>, element: rules.element(1) }],
    isAtomic: isAtomic || listType !== 'map',
    isReplaced: !isMerged || facts.patchMergeKey === undefined,
  };
  descend(cases, root, inside, type.slice(2));
}

/** Goes on inside a type, unless it is in itself: what it has has been seen. */
function descend(
  cases: ListCase[],
  root: Pick<ListCase, 'definition' | 'apiVersion' | 'kind'>,
  place: Place,
  type: string,
): void {
  const definition = DEFINITION.exec(type)?.[0];
  if (definition === undefined || place.around.includes(definition)) return;
  const isAtomic = place.isAtomic || types[definition]?.mapType === 'atomic';
  collect(cases, root, { ...place, isAtomic, definition, around: [...place.around, definition] });
}

/** An object of the case's kind with these members at the list's place, the list under its name. */
export function objectWith(
  { apiVersion, kind, steps }: ListCase,
  list: Record<string, unknown>,
): Record<string, unknown> {
  let value: unknown = list;
  for (const step of steps.slice(0, -1).toReversed()) {
    if (step.kind === 'member') value = { [step.name]: value };
    else if (step.kind === 'entry') value = { key: value };
    else value = [{ ...step.item, ...(value as object) }];
  }
  return merged({ apiVersion, kind, metadata: { name: 'one' } }, value as Record<string, unknown>);
}

function merged(base: Record<string, unknown>, more: Record<string, unknown>): Record<string, unknown> {
  const metadata = { ...(base['metadata'] as object), ...(more['metadata'] as object | undefined) };
  return { ...base, ...more, metadata };
}

/** The name of the list among the members around it; a list that is the value of a map stands under its key. */
export function nameOf({ steps }: ListCase): string {
  const last = steps.at(-1);
  return last?.kind === 'member' ? last.name : 'key';
}

/** The list in an object made by `objectWith`, or what came of one. */
export function listIn({ steps }: ListCase, object: unknown): unknown {
  let value = object;
  for (const step of steps) {
    if (step.kind === 'item') value = (value as unknown[] | undefined)?.[0];
    else value = (value as Record<string, unknown> | undefined)?.[step.kind === 'member' ? step.name : 'key'];
  }
  return value;
}

/** The list's path in fieldsV1. */
export function pathOf({ steps }: ListCase): string[] {
  return steps.map((step) => (step.kind === 'item' ? step.element : `f:${step.kind === 'member' ? step.name : 'key'}`));
}

import { REF_PREFIX, type Schema, type SchemaSource } from '../schema.js';

/** What a schema says of merging the values of a node: which forms they may have, and how each form is owned and merged. */
export interface MergeType {
  readonly scalar: 'numeric' | 'string' | 'boolean' | 'untyped' | undefined;
  readonly list: ListType | undefined;
  readonly map: MapType | undefined;
}

export interface ListType {
  /** `atomic`: one value, owned as a whole. `set`: items are scalars and their own identity. `map`: items are objects with keys. */
  readonly relationship: 'atomic' | 'set' | 'map';
  /** Of `map`: the members that identify an item, sorted, with what stands for an absent one. */
  readonly keys: readonly { readonly name: string; readonly default: unknown }[];
  readonly element: MergeType;
}

export interface MapType {
  readonly isAtomic: boolean;
  readonly fields: ReadonlyMap<string, MemberType>;
  /** Of members that are not among the fields; undefined: there are none. */
  readonly element: MergeType | undefined;
  /** Values of no schema: their members are merged one by one. */
  readonly isDeduced: boolean;
}

export interface MemberType {
  readonly type: MergeType;
  /** In Go the member is always there, as an empty struct or a null, so that it does not come or go with what is in it. */
  readonly isAlwaysThere: boolean;
}

export interface MergeTypeOptions {
  /** For built-in kinds, which are Go structs in Kubernetes: see `MemberType.isAlwaysThere`. Custom resources are not. */
  readonly goZeroValues: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_FIELDS: ReadonlyMap<string, MemberType> = new Map();

const ATOMIC: Mutable<MergeType> = { scalar: 'untyped', list: undefined, map: undefined };
ATOMIC.list = { relationship: 'atomic', keys: [], element: ATOMIC };
ATOMIC.map = { isAtomic: true, fields: NO_FIELDS, element: ATOMIC, isDeduced: false };

const DEDUCED: Mutable<MergeType> = {
  scalar: 'untyped',
  list: { relationship: 'atomic', keys: [], element: ATOMIC },
  map: undefined,
};
DEDUCED.map = { isAtomic: false, fields: NO_FIELDS, element: DEDUCED, isDeduced: true };

const UNTYPED_SCALAR: MergeType = { scalar: 'untyped', list: undefined, map: undefined };

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

type Cache = WeakMap<Schema, MergeType>;
const caches = { go: new WeakMap<SchemaSource, Cache>(), plain: new WeakMap<SchemaSource, Cache>() };

/** The merge type of an object's schema; compiled at first use and kept as long as the source and the schema live. */
export function mergeTypeOf(schema: Schema, source: SchemaSource, options: MergeTypeOptions): MergeType {
  const bySource = options.goZeroValues ? caches.go : caches.plain;
  let cache = bySource.get(source);
  if (cache === undefined) bySource.set(source, (cache = new WeakMap()));
  const known = roots.get(schema);
  const isGo = options.goZeroValues;
  const hit = known?.get(cache);
  if (hit !== undefined) return hit;
  const compiled = new Compiler(source, cache, isGo).root(schema);
  let byCache = known;
  if (byCache === undefined) roots.set(schema, (byCache = new WeakMap()));
  byCache.set(cache, compiled);
  return compiled;
}

const roots = new WeakMap<Schema, WeakMap<Cache, MergeType>>();

class Compiler {
  readonly #source: SchemaSource;
  readonly #cache: Cache;
  readonly #isGo: boolean;

  constructor(source: SchemaSource, cache: Cache, isGo: boolean) {
    this.#source = source;
    this.#cache = cache;
    this.#isGo = isGo;
  }

  /** Every object has apiVersion, kind and metadata, also where its schema does not say so. */
  root(schema: Schema): MergeType {
    return this.#withTypeAndMetadata(this.#node(schema, false));
  }

  #withTypeAndMetadata(type: MergeType): MergeType {
    const map = type.map ?? (DEDUCED.map as MapType);
    const meta = this.#source.definition(OBJECT_META);
    const fields = new Map(map.fields);
    for (const name of ['apiVersion', 'kind']) {
      fields.set(name, { type: { scalar: 'string', list: undefined, map: undefined }, isAlwaysThere: false });
    }
    if (meta !== undefined) {
      fields.set('metadata', { type: this.#node(meta, false), isAlwaysThere: this.#isGo });
    }
    return { scalar: undefined, list: undefined, map: { ...map, fields, isDeduced: false } };
  }

  /** `preserves`: a node around this one keeps members that no schema describes. */
  #node(schema: Schema, preserves: boolean): MergeType {
    const known = this.#cache.get(schema);
    if (known !== undefined) return known;
    const reference = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined);
    if (reference !== undefined) return this.#reference(schema, reference.slice(REF_PREFIX.length));
    const type: Mutable<MergeType> = { scalar: undefined, list: undefined, map: undefined };
    // Before what is in it: a schema may contain itself.
    this.#cache.set(schema, type);
    const keeps = preserves || schema['x-kubernetes-preserve-unknown-fields'] === true;
    switch (schema.type) {
      case 'object':
        type.map = this.#map(schema, keeps);
        break;
      case 'array':
        type.list = this.#list(schema, keeps);
        break;
      case undefined:
        type.scalar = 'untyped';
        if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string') break;
        type.list = this.#list(schema, keeps);
        type.map = this.#map(schema, keeps);
        break;
      case 'integer':
      case 'number':
        type.scalar = schema['x-kubernetes-int-or-string'] === true ? 'untyped' : 'numeric';
        break;
      case 'boolean':
        type.scalar = 'boolean';
        break;
      case 'string':
        type.scalar = schema.format === undefined || schema.format === 'byte' ? 'string' : 'untyped';
        break;
    }
    if (schema['x-kubernetes-embedded-resource'] === true && type.map !== undefined) {
      type.map = this.#withTypeAndMetadata(type).map;
    }
    return type;
  }

  #reference(schema: Schema, name: string): MergeType {
    if (name === QUANTITY) return UNTYPED_SCALAR;
    if (name === RAW_EXTENSION) return ATOMIC;
    const target = this.#source.definition(name);
    if (target === undefined) throw new Error(`schema reference ${name} has no definition`);
    const type = this.#node(target, false);
    const mapType = schema['x-kubernetes-map-type'];
    if (mapType === undefined || type.map === undefined) return type;
    const own: MergeType = { ...type, map: { ...type.map, isAtomic: mapType === 'atomic' } };
    this.#cache.set(schema, own);
    return own;
  }

  #map(schema: Schema, preserves: boolean): MapType {
    const { properties = {}, additionalProperties } = schema;
    const required = new Set(schema.required);
    const fields = new Map<string, MemberType>();
    for (const [name, member] of Object.entries(properties)) {
      fields.set(name, {
        type: this.#node(member, preserves),
        isAlwaysThere: this.#isAlwaysThere(member, required.has(name)),
      });
    }
    let element: MergeType | undefined;
    if (additionalProperties === undefined) {
      if (preserves || fields.size === 0) element = DEDUCED;
    } else if (typeof additionalProperties === 'object') element = this.#node(additionalProperties, preserves);
    else if (additionalProperties) element = DEDUCED;
    const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
    return { isAtomic, fields, element, isDeduced: fields.size === 0 && element === DEDUCED };
  }

  #isAlwaysThere(member: Schema, isRequired: boolean): boolean {
    if (!this.#isGo) return false;
    const { default: value } = member;
    return isRequired || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  }

  #list(schema: Schema, preserves: boolean): ListType {
    const element = schema.items === undefined ? ATOMIC : this.#node(schema.items, preserves);
    const { relationship, keys } = relationshipOf(schema);
    if (relationship !== 'map') return { relationship, keys: [], element };
    const item = schema.items === undefined ? undefined : this.#resolve(schema.items);
    const described = [...keys].toSorted().map((name) => ({ name, default: item?.properties?.[name]?.default }));
    return { relationship, keys: described, element };
  }

  #resolve(schema: Schema): Schema {
    let node = schema;
    for (;;) {
      const reference = node.$ref ?? (node.allOf?.length === 1 ? node.allOf[0]?.$ref : undefined);
      const target = reference === undefined ? undefined : this.#source.definition(reference.slice(REF_PREFIX.length));
      if (target === undefined) return node;
      node = target;
    }
  }
}

/** Without a list type the strategic merge patch's strategy says how a list is merged; without either it is atomic. */
function relationshipOf(schema: Schema): { relationship: ListType['relationship']; keys: readonly string[] } {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'map') return { relationship: 'map', keys: schema['x-kubernetes-list-map-keys'] ?? [] };
  if (type !== undefined) return { relationship: type, keys: [] };
  const strategies = schema['x-kubernetes-patch-strategy']?.split(',') ?? [];
  if (!strategies.includes('merge')) return { relationship: 'atomic', keys: [] };
  const key = schema['x-kubernetes-patch-merge-key'];
  return key === undefined ? { relationship: 'set', keys: [] } : { relationship: 'map', keys: [key] };
}

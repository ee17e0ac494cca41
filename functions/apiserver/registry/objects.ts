import type { KubernetesObject } from '../../../lib/api/meta.js';
import { parseTrustedJson } from '../../../lib/json/parse.js';
import type { Store, StoredObject } from '../../../lib/store/store.js';
import type { ObjectReader } from '../admission/plugin.js';
import type { KindDefinition } from '../resources/kind.js';
import { keyOf, splitKey, type Catalog, type Resource } from './catalog.js';
import { revisionOf } from './encode.js';
import { ATTRIBUTES_CACHE_OBJECTS_MAX, PARSE_CACHE_MAX_BYTES, POLICY_OBJECTS_MAX } from './limits.js';

/** What selectors look at. */
export interface Attributes {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** By field label, those of the kind. */
  readonly fields: Readonly<Record<string, string>>;
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});
const NO_FIELDS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Stored bytes as objects. Parsing is cached by collection, key and revision, within bounds: whole objects while they are few, the
 * attributes that selectors need for many.
 */
export class StoredObjects implements ObjectReader {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #parsed = new Map<string, { revision: number; object: KubernetesObject; bytes: number }>();
  #parsedBytes = 0;
  readonly #policies = new Map<string, { revision: number; objects: Map<string, KubernetesObject[]> }>();
  /** By kind: a definition of custom resources that changes makes another kind, with other fields to select by. */
  readonly #attributes = new WeakMap<KindDefinition, Map<string, { revision: number; attributes: Attributes }>>();

  constructor(store: Store, catalog: Catalog) {
    this.#store = store;
    this.#catalog = catalog;
  }

  /** The object of these bytes. Shared: callers must not change it. */
  parse(collection: string, stored: StoredObject): KubernetesObject {
    const id = `${collection}\n${stored.key}`;
    const known = this.#parsed.get(id);
    if (known !== undefined) {
      this.#parsed.delete(id);
      if (known.revision === stored.revision) {
        this.#parsed.set(id, known);
        return known.object;
      }
      this.#parsedBytes -= known.bytes;
    }
    const object = parseStored(stored.body);
    this.#parsed.set(id, { revision: stored.revision, object, bytes: stored.body.byteLength });
    this.#parsedBytes += stored.body.byteLength;
    this.#evict();
    return object;
  }

  /** What selectors look at, of an object as stored under this revision. */
  attributes(resource: Resource, stored: StoredObject): Attributes {
    const { definition } = resource;
    let known = this.#attributes.get(definition);
    if (known === undefined) this.#attributes.set(definition, (known = new Map()));
    const hit = known.get(stored.key);
    if (hit !== undefined && hit.revision === stored.revision) return hit.attributes;
    const attributes = attributesOf(resource, stored.key, parseStored(stored.body));
    if (hit === undefined && known.size >= ATTRIBUTES_CACHE_OBJECTS_MAX) known.clear();
    known.set(stored.key, { revision: stored.revision, attributes });
    return attributes;
  }

  /** The same of an earlier state, which is looked for where it was kept but does not take the place of a later one. */
  earlierAttributes(resource: Resource, key: string, body: Uint8Array): Attributes {
    const hit = this.#attributes.get(resource.definition)?.get(key);
    if (hit !== undefined && hit.revision === revisionOf(body)) return hit.attributes;
    return attributesOf(resource, key, parseStored(body));
  }

  async get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    const resource = this.#catalog.stored(kind.group, kind.plural);
    if (resource === undefined) return undefined;
    const stored = await this.#store.get(resource.collection, keyOf(namespace, name));
    return stored === undefined ? undefined : (this.parse(resource.collection, stored) as T);
  }

  async list<T extends KubernetesObject>(kind: { group: string; plural: string }, namespace?: string): Promise<T[]> {
    const resource = this.#catalog.stored(kind.group, kind.plural);
    if (resource === undefined) return [];
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    const { items } = await this.#store.list(resource.collection, { prefix });
    return items.map((stored) => this.parse(resource.collection, stored) as T);
  }

  async policy<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace?: string,
  ): Promise<readonly T[]> {
    const resource = this.#catalog.stored(kind.group, kind.plural);
    if (resource === undefined) return [];
    const { collection } = resource;
    let known = this.#policies.get(collection);
    if (known === undefined || known.revision !== (await this.#store.revision(collection))) {
      const { items, revision } = await this.#store.list(collection);
      known = { revision, objects: groupByNamespace(items) };
      if (items.length <= POLICY_OBJECTS_MAX) this.#policies.set(collection, known);
    }
    const found = namespace === undefined ? [...known.objects.values()].flat() : known.objects.get(namespace);
    return (found ?? []) as T[];
  }

  /** What is stored in this collection shows otherwise from now on, though it has not been written. */
  forget(collection: string): void {
    for (const [id, { bytes }] of this.#parsed) {
      if (!id.startsWith(`${collection}\n`)) continue;
      this.#parsed.delete(id);
      this.#parsedBytes -= bytes;
    }
  }

  #evict(): void {
    for (const [id, { bytes }] of this.#parsed) {
      if (this.#parsedBytes <= PARSE_CACHE_MAX_BYTES) return;
      this.#parsed.delete(id);
      this.#parsedBytes -= bytes;
    }
  }
}

export function parseStored(body: Uint8Array): KubernetesObject {
  return parseTrustedJson(body) as KubernetesObject;
}

export function attributesOf(resource: Resource, key: string, object: KubernetesObject): Attributes {
  const { namespace, name } = splitKey(key);
  const labels = object.metadata?.labels ?? NO_LABELS;
  const declared = resource.definition.fieldLabels;
  if (declared === undefined) return { namespace, name, labels, fields: NO_FIELDS };
  const fields: Record<string, string> = {};
  for (const [label, read] of Object.entries(declared)) fields[label] = read(object);
  return { namespace, name, labels, fields };
}

function groupByNamespace(items: readonly StoredObject[]): Map<string, KubernetesObject[]> {
  const groups = new Map<string, KubernetesObject[]>();
  for (const { key, body } of items) {
    const { namespace } = splitKey(key);
    const group = groups.get(namespace);
    if (group === undefined) groups.set(namespace, [parseStored(body)]);
    else group.push(parseStored(body));
  }
  return groups;
}

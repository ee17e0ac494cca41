import type { KubernetesObject } from '../../../lib/api/meta.js';
import { parseTrustedJson } from '../../../lib/json/parse.js';
import type { Store, StoredObject } from '../../../lib/store/store.js';
import type { ObjectReader } from '../admission/plugin.js';
import type { KindDefinition } from '../resources/kind.js';
import { keyOf, splitKey, type Catalog, type Resource } from './catalog.js';
import { revisionOf } from './encode.js';
import { ATTRIBUTES_CACHE_OBJECTS_MAX, PARSE_CACHE_MAX_BYTES } from './limits.js';

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

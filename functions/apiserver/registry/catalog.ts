import type { ErrorTarget } from '../../../lib/api/errors.js';
import { apiVersionOf, type KubernetesObject } from '../../../lib/api/meta.js';
import { fromStorage } from './convert.js';
import { ALL_VERBS, collectionOf, type AlternateVersion, type KindDefinition, type Verb } from '../resources/kind.js';

/** One resource as it is served under one group and version. */
export interface Resource {
  readonly definition: KindDefinition;
  /** Set where this is not the version objects are stored in. */
  readonly alternate: AlternateVersion | undefined;
  readonly group: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly schema: string;
  readonly collection: string;
  readonly verbs: ReadonlySet<Verb>;
  /** For error messages. */
  readonly target: ErrorTarget;
}

/** All resources by where they are served: the built-in ones, and custom ones that come and go. */
export class Catalog {
  readonly #byPath = new Map<string, Resource>();
  readonly #stored = new Map<string, Resource>();
  #customByPath = new Map<string, Resource>();
  #customStored = new Map<string, Resource>();
  #generation = 0;

  constructor(kinds: readonly KindDefinition[]) {
    for (const definition of kinds) {
      const stored = describeResource(definition);
      this.#byPath.set(pathKey(stored.group, stored.version, stored.plural), stored);
      this.#stored.set(`${stored.group}/${stored.plural}`, stored);
      for (const alternate of definition.alternates ?? []) {
        const resource = describeResource(definition, alternate);
        this.#byPath.set(pathKey(resource.group, resource.version, resource.plural), resource);
      }
    }
  }

  /** What `/apis/GROUP/VERSION/PLURAL` serves. */
  find(group: string, version: string, plural: string): Resource | undefined {
    const key = pathKey(group, version, plural);
    return this.#byPath.get(key) ?? this.#customByPath.get(key);
  }

  /** Grows whenever what is served changes. */
  get generation(): number {
    return this.#generation;
  }

  /** Puts these in the place of all custom resources: what is served, and each in its storage version, served or not. */
  setCustom(served: readonly Resource[], stored: readonly Resource[]): void {
    this.#customByPath = new Map(served.map((one) => [pathKey(one.group, one.version, one.plural), one]));
    this.#customStored = new Map(stored.map((one) => [`${one.group}/${one.plural}`, one]));
    this.#generation++;
  }

  /** Whether objects of this kind exist in this version at all. */
  serves(apiVersion: string, kind: string): boolean {
    for (const resource of this.all()) {
      if (resource.kind === kind && resource.apiVersion === apiVersion) return true;
    }
    return false;
  }

  /** The resource in the version it is stored in. */
  stored(group: string, plural: string): Resource | undefined {
    const key = `${group}/${plural}`;
    return this.#stored.get(key) ?? this.#customStored.get(key);
  }

  /** The storage version of what a served resource holds. */
  storage(resource: Resource): Resource {
    return resource.alternate === undefined
      ? resource
      : (this.#stored.get(`${resource.definition.group}/${resource.definition.plural}`) as Resource);
  }

  /** A stored object as a version serves it. Never changes its argument. */
  show(resource: Resource, stored: KubernetesObject): KubernetesObject {
    return fromStorage(resource, stored);
  }

  /** Everything served, in the order of the kinds. */
  all(): Resource[] {
    return [...this.#byPath.values(), ...this.#customByPath.values()];
  }
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

/** A kind as it is served in its own version, or in another of its versions. */
export function describeResource(definition: KindDefinition, alternate?: AlternateVersion): Resource {
  const { group, version, kind, definition: schema } = alternate ?? definition;
  return {
    definition,
    alternate,
    group,
    version,
    apiVersion: apiVersionOf(group, version),
    kind,
    plural: definition.plural,
    schema,
    collection: collectionOf(definition),
    verbs: new Set(definition.verbs ?? ALL_VERBS),
    target: { group, resource: definition.plural },
  };
}

/** Whether both show the same stored objects, in whichever versions. */
export function showSameObjects(one: Resource, other: Resource): boolean {
  if (one.definition === other.definition) return true;
  const areCustom = one.definition.custom !== undefined && other.definition.custom !== undefined;
  return areCustom && one.group === other.group && one.plural === other.plural;
}

/** The store's key of an object. */
export function keyOf(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

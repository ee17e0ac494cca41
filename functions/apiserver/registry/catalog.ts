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

/** All resources by where they are served. Built once; custom resources come as further entries later. */
export class Catalog {
  readonly #byPath = new Map<string, Resource>();
  readonly #stored = new Map<string, Resource>();

  constructor(kinds: readonly KindDefinition[]) {
    for (const definition of kinds) {
      const stored = describe(definition, undefined);
      this.#byPath.set(pathKey(stored.group, stored.version, stored.plural), stored);
      this.#stored.set(`${stored.group}/${stored.plural}`, stored);
      for (const alternate of definition.alternates ?? []) {
        const resource = describe(definition, alternate);
        this.#byPath.set(pathKey(resource.group, resource.version, resource.plural), resource);
      }
    }
  }

  /** What `/apis/GROUP/VERSION/PLURAL` serves. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byPath.get(pathKey(group, version, plural));
  }

  /** Whether objects of this kind exist in this version at all. */
  serves(apiVersion: string, kind: string): boolean {
    for (const resource of this.#byPath.values()) {
      if (resource.kind === kind && resource.apiVersion === apiVersion) return true;
    }
    return false;
  }

  /** The resource in the version it is stored in. */
  stored(group: string, plural: string): Resource | undefined {
    return this.#stored.get(`${group}/${plural}`);
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
    return [...this.#byPath.values()];
  }
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function describe(definition: KindDefinition, alternate: AlternateVersion | undefined): Resource {
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

/** The store's key of an object. */
export function keyOf(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

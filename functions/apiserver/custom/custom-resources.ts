import { apiVersionOf, type KubernetesObject } from '../../../lib/api/meta.js';
import type { Random } from '../../../lib/random.js';
import type { Schema, SchemaSource } from '../../../lib/schema/schema.js';
import type { V1CustomResourceDefinition } from '../../../lib/schema/generated/types.js';
import type { PolicyReader } from '../admission/plugin.js';
import { LateModule } from '../../../lib/late-module.js';
import { describeResource, type Catalog, type Resource } from '../registry/catalog.js';
import type { WebhookCaller } from '../webhooks/webhook-caller.js';
import { Converter } from './conversion.js';
import { equalJson } from '../registry/json-values.js';
import { collectionOf } from '../resources/kind.js';
import { realCollection, versionedCollection } from './collections.js';
import type { CustomKind } from './custom-kind.js';
import type { CustomSchema } from './custom-schema.js';
import type { VersionedCollection } from './custom-store.js';
import { isServed } from './definition-conditions.js';

const DEFINITIONS = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };

/** What makes kinds of definitions: large, and of no use where there are none. */
const maker = new LateModule(() => import('./custom-kind.js'));

/** What one definition makes to be served. */
interface Made {
  readonly crd: V1CustomResourceDefinition;
  readonly resources: readonly Resource[];
  readonly stored: Resource | undefined;
  readonly kinds: readonly CustomKind[];
}

/**
 * The custom resources that are served: made of the definitions there are, each anew only when it has changed. `refresh` is asked before a
 * request that is for none of the built-in kinds, and costs a look at the clock while nothing changes.
 */
export class CustomResources {
  readonly #catalog: Catalog;
  readonly #source: SchemaSource;
  readonly #converter: Converter;
  readonly #outdated: (collection: string) => void;
  readonly #made = new Map<string, Made>();
  readonly #collections = new Map<string, VersionedCollection>();
  readonly #schemas = new Map<string, CustomSchema>();
  readonly #lists = new Map<string, CustomSchema>();
  #needsMaker = false;
  #seen: readonly V1CustomResourceDefinition[] = [];

  constructor(parts: {
    catalog: Catalog;
    source: SchemaSource;
    random: Random;
    webhookCaller: WebhookCaller | undefined;
    /** Told of collections that show otherwise from now on what they hold, or nothing any more. */
    outdated: (collection: string) => void;
  }) {
    this.#catalog = parts.catalog;
    this.#source = parts.source;
    this.#outdated = parts.outdated;
    this.#converter = new Converter(parts.webhookCaller, parts.random);
  }

  /** Brings the catalog to the definitions that there are now. */
  async refresh(policies: PolicyReader): Promise<void> {
    // Before the definitions are read: nothing may come between reading and taking them.
    if (this.#needsMaker) await maker.load();
    const definitions = await policies.list<V1CustomResourceDefinition>(DEFINITIONS);
    if (definitions === this.#seen) return;
    if (definitions.length > 0 && !this.#needsMaker) {
      this.#needsMaker = true;
      return this.refresh(policies);
    }
    this.#seen = definitions;
    this.#take(definitions);
  }

  /** The definitions as of the last `refresh`. */
  definitions(): readonly V1CustomResourceDefinition[] {
    return this.#seen;
  }

  definition(name: string): Schema | undefined {
    return this.#schemas.get(name)?.definition ?? this.#lists.get(name)?.listDefinition;
  }

  custom(name: string): CustomSchema | undefined {
    return this.#schemas.get(name);
  }

  collection(name: string): VersionedCollection | undefined {
    return this.#collections.get(name);
  }

  /** An object of a custom resource in another version. */
  async convert(object: KubernetesObject, to: Resource): Promise<KubernetesObject> {
    const [converted = object] = (await this.#collections.get(to.collection)?.read([object])) ?? [];
    return converted;
  }

  /** All versions of a store's collection. */
  versionsOf(collection: string): string[] {
    return [...this.#collections.keys()].filter((name) => name.startsWith(`${collection}@`));
  }

  #take(definitions: readonly V1CustomResourceDefinition[]): void {
    const names = new Set<string>();
    const outdated: Made[] = [];
    let changed = false;
    for (const crd of definitions) {
      const name = crd.metadata?.name ?? '';
      names.add(name);
      const made = this.#made.get(name);
      if (made?.crd.metadata?.resourceVersion === crd.metadata?.resourceVersion && made !== undefined) continue;
      if (made !== undefined && !servesTheSame(made.crd, crd)) outdated.push(made);
      this.#made.set(name, this.#make(crd, made));
      changed = true;
    }
    for (const [name, made] of this.#made) {
      if (names.has(name)) continue;
      outdated.push(made);
      this.#made.delete(name);
      changed = true;
    }
    if (changed) this.#publish();
    for (const { kinds } of outdated) for (const { definition } of kinds) this.#outdated(collectionOf(definition));
  }

  /** Only its status may have changed: then what was made of its versions still holds. */
  #make(crd: V1CustomResourceDefinition, before: Made | undefined): Made {
    const { spec } = crd;
    if (spec === undefined || !isServed(crd)) return { crd, resources: [], stored: undefined, kinds: [] };
    const isSame =
      before !== undefined &&
      before.kinds.length > 0 &&
      before.crd.metadata?.uid === crd.metadata?.uid &&
      before.crd.metadata?.generation === crd.metadata?.generation &&
      JSON.stringify(before.crd.status?.acceptedNames) === JSON.stringify(crd.status?.acceptedNames);
    if (isSame) return { ...before, crd };
    const kinds = spec.versions.map((version) => maker.module.makeCustomKind(crd, spec, version));
    const resources = kinds.map(({ definition }) => describeResource(definition));
    const stored = resources[spec.versions.findIndex(({ storage }) => storage)];
    return { crd, kinds, stored, resources: resources.filter((_, index) => kinds[index]?.served === true) };
  }

  #publish(): void {
    this.#collections.clear();
    this.#schemas.clear();
    this.#lists.clear();
    const served: Resource[] = [];
    const stored: Resource[] = [];
    for (const made of this.#made.values()) {
      served.push(...made.resources);
      if (made.stored !== undefined) stored.push(made.stored);
      for (const kind of made.kinds) {
        this.#schemas.set(kind.schema.name, kind.schema);
        this.#lists.set(kind.schema.listName, kind.schema);
        this.#addCollection(made, kind);
      }
    }
    this.#catalog.setCustom(served, stored);
  }

  #addCollection(made: Made, kind: CustomKind): void {
    const { crd, stored } = made;
    const { spec } = crd;
    if (spec === undefined || stored === undefined) return;
    const { group, version, plural } = kind.definition;
    const storageKind = made.kinds.find(({ definition }) => definition.version === stored.version) ?? kind;
    const through =
      (to: CustomKind) =>
      async (objects: readonly KubernetesObject[]): Promise<KubernetesObject[]> => {
        const converted = await this.#converter.convert(spec, objects, to.definition.version);
        return converted.map((object) => to.schema.complete(object, this.#source));
      };
    this.#collections.set(versionedCollection(group, plural, version), {
      collection: realCollection(group, plural),
      read: through(kind),
      store: through(storageKind),
      isStorage: version === stored.version,
      storageApiVersion: apiVersionOf(group, stored.version),
      epoch: made.kinds,
    });
  }
}

/** As Kubernetes sees it: whatever else changes, watches of the resource go on. */
function servesTheSame(before: V1CustomResourceDefinition, now: V1CustomResourceDefinition): boolean {
  return (
    before.metadata?.uid === now.metadata?.uid &&
    isServed(now) &&
    equalJson(before.spec, now.spec) &&
    equalJson(before.status?.acceptedNames, now.status?.acceptedNames)
  );
}

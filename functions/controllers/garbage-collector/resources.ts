import { parseApiVersion, type KubernetesObject, type OwnerReference } from '../../../lib/api/meta.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import type { Lookup } from '../../../lib/work/controller.js';
import { kinds } from '../../apiserver/resources/index.js';
import { customResources } from '../shared/custom-resources.js';

/** Nobody owns events, and nothing is owned by them. */
const IGNORED = new Set(['core/events']);

/** The resources whose objects may own each other: all that can be listed and deleted. By collection. */
export const collectedResources: ReadonlyMap<string, Resource<KubernetesObject>> = new Map(
  kinds
    .filter(({ verbs }) => verbs === undefined || (verbs.includes('list') && verbs.includes('delete')))
    .map(({ group, version, plural, kind, namespaced }) => ({ group, version, plural, kind, namespaced }))
    .filter((resource) => !IGNORED.has(collectionName(resource)))
    .map((resource) => [collectionName(resource), resource]),
);

const byKind = new Map(
  [...collectedResources.values()].map((resource) => [`${resource.group}/${resource.kind}`, resource]),
);

/** The resource an owner reference points into; undefined for a kind that is not served. */
export async function ownerResource(
  reference: OwnerReference,
  lookup: Lookup,
): Promise<Resource<KubernetesObject> | undefined> {
  const { group } = parseApiVersion(reference.apiVersion);
  const known = byKind.get(`${group}/${reference.kind}`);
  if (known !== undefined) return known;
  return (await customResources(lookup)).find((one) => one.group === group && one.kind === reference.kind);
}

/** Everything that may own or be owned, custom resources included. */
export async function allResources(lookup: Lookup): Promise<Resource<KubernetesObject>[]> {
  return [...collectedResources.values(), ...(await customResources(lookup))];
}

/** The resource of a collection; undefined for what is not served. */
export async function resourceOf(collection: string, lookup: Lookup): Promise<Resource<KubernetesObject> | undefined> {
  return (
    collectedResources.get(collection) ??
    (await customResources(lookup)).find((resource) => collectionName(resource) === collection)
  );
}

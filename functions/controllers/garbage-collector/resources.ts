import { parseApiVersion, type KubernetesObject, type OwnerReference } from '../../../lib/api/meta.js';
import { collectionName, type Resource } from '../../../lib/client/resource.js';
import { kinds } from '../../apiserver/resources/index.js';

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
export function ownerResource(reference: OwnerReference): Resource<KubernetesObject> | undefined {
  return byKind.get(`${parseApiVersion(reference.apiVersion).group}/${reference.kind}`);
}

import { apiVersionOf, type KubernetesObject } from '../../../lib/api/meta.js';
import type { Client } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';

/** A namespaced resource whose objects can be deleted. */
export interface DeletableResource extends Resource<KubernetesObject> {
  readonly hasDeleteCollection: boolean;
}

interface GroupList {
  groups: { name: string; preferredVersion: { version: string } }[];
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

export interface DiscoveredResources {
  readonly resources: DeletableResource[];
  /** What could not be discovered, by group and version: content of these groups is not known. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** The namespaced resources that the API serves now, custom ones included, each in its group's preferred version. */
export async function discoverResources(client: Client): Promise<DiscoveredResources> {
  const { groups } = await client.raw<GroupList>('/apis');
  const versions = [
    { group: '', version: 'v1' },
    ...groups.map(({ name, preferredVersion }) => ({ group: name, version: preferredVersion.version })),
  ];
  const failures = new Map<string, unknown>();
  const lists = await Promise.all(
    versions.map(async ({ group, version }) => {
      try {
        const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
        const { resources } = await client.raw<ResourceList>(path);
        return resources.filter(isDeletable).map((one) => describe(group, version, one));
      } catch (error) {
        failures.set(apiVersionOf(group, version), error);
        return [];
      }
    }),
  );
  return { resources: lists.flat(), failures };
}

function isDeletable({ name, namespaced, verbs }: ResourceList['resources'][number]): boolean {
  return namespaced && !name.includes('/') && verbs.includes('delete') && verbs.includes('list');
}

function describe(
  group: string,
  version: string,
  { name, kind, verbs }: ResourceList['resources'][number],
): DeletableResource {
  return {
    group,
    version,
    plural: name,
    kind,
    namespaced: true,
    hasDeleteCollection: verbs.includes('deletecollection'),
  };
}

import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Resource } from '../../../lib/client/resource.js';
import type { V1CustomResourceDefinition } from '../../../lib/schema/generated/types.js';
import type { Lookup } from '../../../lib/work/controller.js';

export const customResourceDefinitions: Resource<V1CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** The resource that a definition makes, in the version that is stored or else one that is served; undefined while it is not served at all. */
export function definedResource({ spec, status }: V1CustomResourceDefinition): Resource<KubernetesObject> | undefined {
  const isEstablished = status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True');
  if (spec === undefined || isEstablished !== true) return undefined;
  const served = (spec.versions ?? []).filter((version) => version.served);
  const version = served.find(({ storage }) => storage) ?? served[0];
  if (version === undefined) return undefined;
  const { plural, kind } = status?.acceptedNames ?? spec.names;
  return { group: spec.group, version: version.name, plural, kind, namespaced: spec.scope === 'Namespaced' };
}

/** All custom resources that are served. */
export async function customResources(lookup: Lookup): Promise<Resource<KubernetesObject>[]> {
  const definitions = (await lookup.view(customResourceDefinitions)).list();
  return definitions.flatMap((definition) => definedResource(definition) ?? []);
}

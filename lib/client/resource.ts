import type { KubernetesObject } from '../api/meta.js';

/** A resource that clients read and write; `T` is the TypeScript type of its objects. */
export interface Resource<T extends KubernetesObject> {
  readonly group: string;
  readonly version: string;
  /** The plural name in paths: `deployments`. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: it carries `T`. */
  readonly objectType?: T;
}

/** `core/pods`, `apps/deployments`: the store's name of the collection and the key of replicas. */
export function collectionName(resource: Pick<Resource<KubernetesObject>, 'group' | 'plural'>): string {
  return `${resource.group === '' ? 'core' : resource.group}/${resource.plural}`;
}

/** `/api/v1/namespaces/NS/pods/NAME/SUBRESOURCE`, every part escaped. */
export function resourcePath(
  resource: Resource<KubernetesObject>,
  target: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  let path = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (resource.namespaced && target.namespace !== undefined && target.namespace !== '') {
    path += `/namespaces/${encodeURIComponent(target.namespace)}`;
  }
  path += `/${resource.plural}`;
  if (target.name !== undefined) path += `/${encodeURIComponent(target.name)}`;
  if (target.subresource !== undefined) path += `/${target.subresource}`;
  return path;
}

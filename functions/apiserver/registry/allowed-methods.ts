import type { Verb } from '../resources/kind.js';
import type { Catalog } from './catalog.js';
import type { RequestPath, ResourcePath } from './path.js';

const COLLECTION_METHODS: Partial<Record<Verb, string>> = {
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  deletecollection: 'DELETE',
};
const OBJECT_METHODS: Partial<Record<Verb, string>> = { get: 'GET', update: 'PUT', patch: 'PATCH', delete: 'DELETE' };
const SUBRESOURCE_METHODS: Partial<Record<Verb, string>> = { ...OBJECT_METHODS, create: 'POST' };
const VIEW_VERBS: readonly Verb[] = ['get', 'patch', 'update'];

/** The methods a path takes, for the Allow header of a 405. */
export function allowedMethods(catalog: Catalog, path: RequestPath): string {
  if (!path.resourceRequest) return 'GET, HEAD';
  const { verbs, methods } = offered(catalog, path);
  return [...new Set([...verbs].flatMap((verb) => methods[verb] ?? []))].toSorted().join(', ');
}

function offered(
  catalog: Catalog,
  path: ResourcePath,
): { verbs: Iterable<Verb>; methods: Partial<Record<Verb, string>> } {
  const resource = catalog.find(path.group, path.version, path.resource);
  if (resource === undefined) return { verbs: [], methods: {} };
  if (path.subresource !== '') {
    const isView = path.subresource === 'status' || path.subresource === 'scale';
    const declared = resource.definition.subresources?.find(({ name }) => name === path.subresource)?.verbs;
    return { verbs: isView ? VIEW_VERBS : (declared ?? []), methods: SUBRESOURCE_METHODS };
  }
  return { verbs: resource.verbs, methods: path.name === '' ? COLLECTION_METHODS : OBJECT_METHODS };
}

import { notFoundError, pathNotFound } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import { keyOf } from './catalog.js';
import type { Call, Registry } from './context.js';
import type { Attributes } from './objects.js';
import { readListOptions } from './options.js';
import { finish, listBody, presenterOf } from './present.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';
import { readSelection } from './selection.js';

/** What works the objects of a kind out that is never stored. Both throw ApiErrors. */
export interface ComputedObjects {
  get(registry: Registry, namespace: string, name: string): Promise<KubernetesObject | undefined>;
  /** Those that are wanted, by namespace and name. '' is every namespace. */
  list(
    registry: Registry,
    namespace: string,
    isWanted: (attributes: Attributes) => boolean,
  ): Promise<KubernetesObject[]>;
}

/** Reads what is worked out when it is asked for. It has no revision: two answers may differ without a change in between. */
export async function handleComputed(registry: Registry, call: Call, verb: 'get' | 'list'): Promise<ApiResponse> {
  const { resource, path } = call;
  const source = registry.computed[`${resource.group}/${resource.plural}`];
  if (source === undefined || path.subresource !== '') throw pathNotFound();
  const presenter = presenterOf(registry, call);
  if (verb === 'get') {
    const object = await source.get(registry, path.namespace, path.name);
    if (object === undefined) throw notFoundError(resource.target, keyOf(path.namespace, path.name));
    return finish(call, presenter.representation, 200, presenter.object(encode(object)));
  }
  const selection = readSelection(resource, path.namespace, readListOptions(call.query, false));
  const objects = await source.list(registry, path.namespace, (attributes) => selection.matches(attributes));
  const chunks = listBody(presenter, objects.map(encode), {});
  const { format } = presenter.representation;
  return format === 'yaml' || call.query.has('pretty')
    ? finish(call, presenter.representation, 200, Buffer.concat(chunks))
    : jsonResponse(200, chunks);
}

function encode(object: KubernetesObject): Uint8Array {
  return Buffer.from(stringifyJson(object));
}

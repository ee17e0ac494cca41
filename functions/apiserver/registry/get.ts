import { notFoundError } from '../../../lib/api/errors.js';
import { keyOf } from './catalog.js';
import type { Call, Registry } from './context.js';
import { readResourceVersion } from './options.js';
import type { ApiResponse } from './request.js';
import { tooLargeResourceVersion } from './store-errors.js';
import type { View } from './view.js';

/** GET of one object, or of a view of it. */
export async function handleGet(registry: Registry, call: Call, view: View): Promise<ApiResponse> {
  const { resource, path } = call;
  const version = call.query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') {
    const asked = readResourceVersion(version);
    const current = await registry.store.revision(resource.collection);
    if (asked > current) throw tooLargeResourceVersion(asked, current);
  }
  const stored = await registry.store.get(resource.collection, keyOf(path.namespace, path.name));
  if (stored === undefined) throw notFoundError(resource.target, path.name);
  return view.present(200, stored.body);
}

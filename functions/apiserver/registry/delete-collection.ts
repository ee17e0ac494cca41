import { isApiError } from '../../../lib/api/errors.js';
import type { Call, Registry } from './context.js';
import { splitKey } from './catalog.js';
import { deleteObject } from './delete.js';
import { readDeleteOptions } from './delete-options.js';
import { listObjects } from './list.js';
import { readListOptions } from './options.js';
import { finish, listBody, presenterOf } from './present.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';

/** Deletions of one request that run at a time. */
const CONCURRENT_DELETES_MAX = 8;

/** DELETE of a collection: what its selectors match is deleted one by one, and answered as a list. */
export async function handleDeleteCollection(registry: Registry, call: Call): Promise<ApiResponse> {
  const options = await readDeleteOptions(registry, call);
  const { items, metadata } = await listObjects(registry, call, readListOptions(call.query, false));
  let next = 0;
  const work = async (): Promise<void> => {
    for (let stored = items[next++]; stored !== undefined; stored = items[next++]) {
      const { namespace, name } = splitKey(stored.key);
      try {
        await deleteObject(registry, call, name, options, namespace);
      } catch (error) {
        // Somebody else has deleted it.
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_DELETES_MAX, items.length) }, work));
  const presenter = presenterOf(registry, call);
  const chunks = listBody(
    presenter,
    items.map(({ body }) => body),
    metadata,
  );
  return presenter.representation.format === 'json'
    ? jsonResponse(200, chunks)
    : finish(call, presenter.representation, 200, Buffer.concat(chunks));
}

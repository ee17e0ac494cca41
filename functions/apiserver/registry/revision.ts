import { REVISION_HEADER } from '../../../lib/client/client.js';
import type { Call, Registry } from './context.js';
import type { ApiResponse } from './request.js';

/**
 * HEAD of a list: only the collection's present revision, in a header. One small read of the store, by which a replica finds out whether
 * it is current.
 */
export async function handleRevision(registry: Registry, call: Call): Promise<ApiResponse> {
  const revision = await registry.store.revision(call.resource.collection);
  return {
    status: 200,
    headers: { 'content-type': 'application/json', [REVISION_HEADER]: String(revision) },
    body: undefined,
  };
}

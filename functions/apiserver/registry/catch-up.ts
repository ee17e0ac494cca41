import { badRequest, notAcceptable } from '../../../lib/api/errors.js';
import type { Changes } from '../../../lib/store/store.js';
import type { Call, Registry } from './context.js';
import { CATCH_UP_EVENTS_MAX } from './limits.js';
import { readListOptions } from './options.js';
import { presenterOf } from './present.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';
import { readSelection } from './selection.js';
import { HubEvent } from './watch-hub.js';
import { eventFrame, WatchQueue } from './watch-queue.js';

/**
 * A watch that ends when it has told what has happened until now, with a bookmark: for clients that look now and then, and for replicas in
 * functions that sleep between two requests. When nothing has happened it costs one small read. Our own form of a watch
 * (CATCH_UP_PARAMETER); 410 as a status when the log does not reach back so far.
 */
export async function handleCatchUp(registry: Registry, call: Call): Promise<ApiResponse> {
  const options = readListOptions(call.query, true);
  const after = options.resourceVersion ?? 0;
  if (after === 0) throw badRequest('a catch-up needs the resourceVersion to start from');
  const presenter = presenterOf(registry, call);
  if (presenter.representation.format !== 'json') throw notAcceptable(['application/json;stream=watch']);
  const selection = readSelection(call.resource, call.path.namespace, options);
  const storage = registry.catalog.storage(call.resource);
  const queue = new WatchQueue({ selection, presenter, bookmarks: true });
  const read = (position: number): Promise<Changes> =>
    registry.store.changes(storage.collection, position, CATCH_UP_EVENTS_MAX);
  const first = await read(after);

  async function* frames(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = after;
    for (let changes = first; ; changes = await read(position)) {
      const told: Uint8Array[] = [];
      for (const change of changes.events) {
        const frame = queue.frameOf(new HubEvent(change, storage, registry.objects));
        if (frame !== undefined) told.push(frame);
      }
      if (told.length > 0) yield Buffer.concat(told);
      const advanced = changes.revision - position;
      position = Math.max(position, changes.revision);
      // An answer as large as could be: there may be more.
      if (changes.events.length < CATCH_UP_EVENTS_MAX && advanced !== CATCH_UP_EVENTS_MAX) break;
    }
    yield eventFrame('BOOKMARK', presenter.bookmark({ resourceVersion: String(position) }));
  }
  return jsonResponse(200, frames(), { 'transfer-encoding': 'chunked' });
}

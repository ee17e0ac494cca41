import { badRequest, expired } from '../../../lib/api/errors.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { ListPosition, StoredObject } from '../../../lib/store/store.js';
import type { Resource } from './catalog.js';
import type { Call, Registry } from './context.js';
import { decodeContinue, encodeContinue, INCONSISTENT } from './continue-token.js';
import { LIST_CHUNK_OBJECTS } from './limits.js';
import { readListOptions, type ListOptions } from './options.js';
import { finish, listBody, presenterOf, type ListMetadata } from './present.js';
import type { ApiResponse } from './request.js';
import { jsonResponse } from './respond.js';
import { readSelection, type Selection } from './selection.js';
import { tooLargeResourceVersion } from './store-errors.js';

const TOO_OLD_TOKEN =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
const TOO_OLD_LIST = 'The resourceVersion for the provided list is too old.';

/** GET of a collection. */
export async function handleList(registry: Registry, call: Call): Promise<ApiResponse> {
  const options = readListOptions(call.query, false);
  const presenter = presenterOf(registry, call);
  const { items, metadata } = await listObjects(registry, call, options);
  const chunks = listBody(
    presenter,
    items.map(({ body }) => body),
    metadata,
  );
  const pretty = presenter.representation.format === 'yaml' || call.query.has('pretty');
  return pretty ? finish(call, presenter.representation, 200, Buffer.concat(chunks)) : jsonResponse(200, chunks);
}

export interface Listed {
  readonly items: StoredObject[];
  readonly metadata: ListMetadata;
  readonly revision: number;
}

/** What a list's options select: whole, or one page of it. */
export async function listObjects(registry: Registry, call: Call, options: ListOptions): Promise<Listed> {
  const selection = readSelection(call.resource, call.path.namespace, options);
  const start = await startOf(registry, call.resource, options);
  const page = await readPage(registry, call.resource, { selection, options, start });
  const { revision, next, remaining } = page;
  const metadata: ListMetadata = { resourceVersion: String(revision) };
  if (next !== undefined) {
    metadata.continue = encodeContinue(next);
    if (remaining !== undefined && selection.everything) metadata.remainingItemCount = remaining;
  }
  return { items: page.items, metadata, revision };
}

/** The position to read from; undefined: the present. */
async function startOf(
  registry: Registry,
  resource: Resource,
  options: ListOptions,
): Promise<ListPosition | undefined> {
  const { resourceVersion: asked, resourceVersionMatch: match } = options;
  if (options.continue !== '') {
    if (asked !== undefined && asked !== 0) {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const position = decodeContinue(options.continue);
    const current = await registry.store.revision(resource.collection);
    if (position.revision === INCONSISTENT) return { revision: current, afterKey: position.afterKey };
    if (position.revision > current) throw tooLargeResourceVersion(position.revision, current);
    return position;
  }
  if (asked === undefined || asked === 0) return undefined;
  const current = await registry.store.revision(resource.collection);
  if (asked > current) throw tooLargeResourceVersion(asked, current);
  const exact = match === 'Exact' || (match === '' && options.limit > 0);
  return exact ? { revision: asked, afterKey: '' } : undefined;
}

interface Page {
  items: StoredObject[];
  revision: number;
  next?: ListPosition;
  remaining?: number;
}

/** Reads until the page is full or the collection ends. */
async function readPage(
  registry: Registry,
  resource: Resource,
  request: { selection: Selection; options: ListOptions; start: ListPosition | undefined },
): Promise<Page> {
  const { selection, options, start } = request;
  const items: StoredObject[] = [];
  const { limit } = options;
  let position = start;
  for (;;) {
    const wanted = limit === 0 ? 0 : selection.everything ? limit - items.length : LIST_CHUNK_OBJECTS;
    const result = await readChunk(registry, resource, options, {
      prefix: selection.prefix,
      limit: wanted,
      ...(position === undefined ? {} : { continue: position }),
    });
    for (const [index, stored] of result.items.entries()) {
      if (!selection.everything && !selection.matches(registry.objects.attributes(resource, stored))) continue;
      items.push(stored);
      if (items.length !== limit) continue;
      const more = index < result.items.length - 1 || result.continue !== undefined;
      if (!more) break;
      const next = { revision: result.revision, afterKey: stored.key };
      const remaining = index === result.items.length - 1 ? result.remaining : undefined;
      return { items, revision: result.revision, next, remaining };
    }
    if (result.continue === undefined) return { items, revision: result.revision };
    position = result.continue;
  }
}

async function readChunk(
  registry: Registry,
  resource: Resource,
  options: ListOptions,
  chunk: { prefix: string; limit: number; continue?: ListPosition },
) {
  try {
    return await registry.store.list(resource.collection, chunk);
  } catch (error) {
    if (!isStoreError(error, 'compacted')) throw error;
    if (options.continue === '' || chunk.continue === undefined) throw expired(TOO_OLD_LIST);
    throw expired(TOO_OLD_TOKEN, encodeContinue({ revision: INCONSISTENT, afterKey: chunk.continue.afterKey }));
  }
}

import { ApiError } from '../api/errors.js';
import type { KubernetesObject, Status } from '../api/meta.js';
import { parseApiVersion, apiVersionOf } from '../api/meta.js';
import { resourcePath, type Resource } from './resource.js';
import type { Transport, TransportRequest, TransportResponse } from './transport.js';
import { readWatch, type WatchEvent } from './watch-stream.js';

/** Where an object is. `namespace` is left out for cluster-scoped kinds. */
export interface ObjectRef {
  namespace?: string;
  name: string;
}

export interface ListQuery {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
  continue?: string;
}

export interface WatchQuery {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Events after this one. Absent: the present objects as ADDED events first. */
  resourceVersion?: string;
  timeoutSeconds?: number;
  signal: AbortSignal;
}

export interface DeleteQuery {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface WriteQuery {
  subresource?: string;
  signal?: AbortSignal;
}

/** Header of the answer to a HEAD of a list: the collection's present revision. */
export const REVISION_HEADER = 'zeroplane-resource-version';

/** Query parameter of a watch that ends once it has told what has happened until now. Servers other than ours do not know it. */
export const CATCH_UP_PARAMETER = 'zeroplaneCatchUp';

/** Content types of the patches; `merge` is RFC 7386, `json` RFC 6902. */
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

/**
 * The typed API client of every component. Failures are `ApiError`s with the server's Status, or a `TransportError`
 * when no answer came; nothing is retried here, since reconcilers are retried as a whole.
 */
export class Client {
  readonly #transport: Transport;
  readonly #userAgent: string;

  constructor(transport: Transport, userAgent: string) {
    this.#transport = transport;
    this.#userAgent = userAgent;
  }

  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, query: WriteQuery = {}): Promise<T> {
    return this.#json<T>('GET', resourcePath(resource, { ...ref, subresource: query.subresource }), query);
  }

  /** Like `get`, but undefined when the object does not exist. */
  async find<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
    try {
      return await this.get(resource, ref);
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }

  /** Every item carries apiVersion and kind, which lists leave out. */
  async list<T extends KubernetesObject>(resource: Resource<T>, query: ListQuery = {}): Promise<ObjectList<T>> {
    const { namespace, ...parameters } = query;
    const path = resourcePath(resource, { namespace }) + queryString({ ...parameters });
    const list = await this.#json<{ items: T[] | null; metadata: { resourceVersion: string; continue?: string } }>(
      'GET',
      path,
      {},
    );
    const apiVersion = apiVersionOf(resource.group, resource.version);
    const items = list.items ?? [];
    for (const item of items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    return { items, resourceVersion: list.metadata.resourceVersion, continue: list.metadata.continue || undefined };
  }

  /**
   * The resourceVersion a list of the whole resource would have now. Servers other than ours do not say it in a header: there it costs a
   * list of one object.
   */
  async revision(resource: Resource<KubernetesObject>): Promise<string> {
    const response = await this.#send({ method: 'HEAD', path: resourcePath(resource), headers: {} });
    await response.bytes();
    return response.header(REVISION_HEADER) ?? (await this.list(resource, { limit: 1 })).resourceVersion;
  }

  /** Ends when the server ends the stream or `signal` aborts. Throws an `ApiError` for an ERROR event (410: list again). */
  async *watch<T extends KubernetesObject>(resource: Resource<T>, query: WatchQuery): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, ...parameters } = query;
    const path =
      resourcePath(resource, { namespace }) +
      queryString({ watch: 'true', allowWatchBookmarks: 'true', ...parameters });
    const response = await this.#send({ method: 'GET', path, headers: {}, signal });
    yield* readWatch<T>(response.stream());
  }

  /**
   * What has happened after a revision until now, ending with a bookmark. Throws an `ApiError` Expired when that is too long ago. Only for
   * our own API server: others know no such watch.
   */
  async *changes<T extends KubernetesObject>(
    resource: Resource<T>,
    query: { resourceVersion: string; fieldSelector?: string; signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, ...parameters } = query;
    const path = resourcePath(resource) + queryString({ watch: 'true', [CATCH_UP_PARAMETER]: 'true', ...parameters });
    const response = await this.#send({ method: 'GET', path, headers: {}, signal });
    yield* readWatch<T>(response.stream());
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    query: { signal?: AbortSignal } = {},
  ): Promise<T> {
    const path = resourcePath(resource, { namespace: object.metadata?.namespace });
    return this.#json<T>('POST', path, query, withType(resource, object));
  }

  /** POST to a subresource that is an action: `binding`, `eviction`, `token`. */
  createSubresource<B extends KubernetesObject>(
    resource: Resource<KubernetesObject>,
    ref: ObjectRef,
    subresource: string,
    body: B,
  ): Promise<B> {
    return this.#json<B>('POST', resourcePath(resource, { ...ref, subresource }), {}, body);
  }

  /** PUT of the whole object, without its managedFields; metadata.resourceVersion makes it conditional (409 Conflict). */
  update<T extends KubernetesObject>(resource: Resource<T>, object: T, query: WriteQuery = {}): Promise<T> {
    const { namespace, name = '' } = object.metadata ?? {};
    const path = resourcePath(resource, { namespace, name, subresource: query.subresource });
    return this.#json<T>('PUT', path, query, withType(resource, withoutOwners(object)));
  }

  updateStatus<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.update(resource, object, { subresource: 'status' });
  }

  /** A resourceVersion inside the patch makes it conditional. */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    type: keyof typeof PATCH_TYPES,
    patch: unknown,
    query: WriteQuery = {},
  ): Promise<T> {
    const path = resourcePath(resource, { ...ref, subresource: query.subresource });
    return this.#json<T>('PATCH', path, query, patch, PATCH_TYPES[type]);
  }

  /** Resolves with what the server answers: the object while it lives on, else a Status. An absent object is an error (NotFound). */
  delete(resource: Resource<KubernetesObject>, ref: ObjectRef, query: DeleteQuery = {}): Promise<KubernetesObject> {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', ...query };
    return this.#json('DELETE', resourcePath(resource, ref), {}, options);
  }

  /** Like `delete`, but an absent object is what was wanted. */
  async ensureDeleted(resource: Resource<KubernetesObject>, ref: ObjectRef, query: DeleteQuery = {}): Promise<void> {
    try {
      await this.delete(resource, ref, query);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
    }
  }

  deleteCollection(
    resource: Resource<KubernetesObject>,
    query: ListQuery,
    options: DeleteQuery = {},
  ): Promise<KubernetesObject> {
    const { namespace, ...parameters } = query;
    const path = resourcePath(resource, { namespace }) + queryString({ ...parameters });
    return this.#json('DELETE', path, {}, { apiVersion: 'v1', kind: 'DeleteOptions', ...options });
  }

  /** GET of a path that is no resource: discovery, health. */
  raw<T>(path: string): Promise<T> {
    return this.#json<T>('GET', path, {});
  }

  async #json<T>(
    method: TransportRequest['method'],
    path: string,
    query: { signal?: AbortSignal },
    body?: unknown,
    contentType = 'application/json',
  ): Promise<T> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': contentType };
    const request: TransportRequest = { method, path, headers };
    if (body !== undefined) request.body = JSON.stringify(body);
    if (query.signal !== undefined) request.signal = query.signal;
    const response = await this.#send(request);
    return JSON.parse(textOf(await response.bytes())) as T;
  }

  async #send(request: TransportRequest): Promise<TransportResponse> {
    request.headers['accept'] = 'application/json';
    request.headers['user-agent'] = this.#userAgent;
    const response = await this.#transport.send(request);
    if (response.status >= 400) throw await readError(response);
    return response;
  }
}

async function readError(response: TransportResponse): Promise<ApiError> {
  const text = textOf(await response.bytes());
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === 'Status') return new ApiError(status);
  } catch {
    // Not JSON: something between us and the API server answered; its text is the message.
  }
  return new ApiError({
    code: response.status,
    reason: 'Unknown',
    message: text.slice(0, 1000) || `HTTP ${response.status}`,
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function withType<T extends KubernetesObject>(resource: Resource<T>, object: T): T {
  return object.kind === undefined
    ? { apiVersion: apiVersionOf(resource.group, resource.version), kind: resource.kind, ...object }
    : object;
}

/** The server knows who owns what: an update that does not say leaves it so, and is smaller. */
function withoutOwners<T extends KubernetesObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function queryString(parameters: Record<string, string | number | undefined>): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') pairs.push(`${name}=${encodeURIComponent(value)}`);
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** The reference of an object: `refOf(pod)`. */
export function refOf(object: KubernetesObject): ObjectRef {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined ? { name } : { namespace, name };
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of reconcilers and stores. */
export function keyOf(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function parseKey(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The resource group and version of an object's apiVersion. */
export { parseApiVersion };

import { ApiError, pathNotFound } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { forbiddenByAuthorizer } from '../auth/authorizer.js';
import type { Verb } from '../resources/kind.js';
import { handleAction, handleReview } from './action.js';
import { resourceAttributes } from './attributes.js';
import type { Resource } from './catalog.js';
import type { Call, Registry } from './context.js';
import { handleComputed } from './computed.js';
import { handleCreate } from './create.js';
import { handleDelete } from './delete.js';
import { handleDeleteCollection } from './delete-collection.js';
import { handleGet } from './get.js';
import { handleList } from './list.js';
import { negotiate } from './negotiate.js';
import { readBoolean } from './options.js';
import { handleRevision } from './revision.js';
import { handlePatch } from './patch.js';
import type { ResourcePath } from './path.js';
import type { ApiRequest, ApiResponse } from './request.js';
import { handleProxy } from '../streams/proxy.js';
import { handleUpdate } from './update.js';
import { viewOf } from './view.js';
import { handleWatch } from './watch.js';
import { handleCatchUp } from './catch-up.js';
import { CATCH_UP_PARAMETER } from '../../../lib/client/client.js';

/** What a method does to a path; undefined for a method that no resource has. */
export function verbOf(method: string, path: ResourcePath, query: URLSearchParams): Verb | undefined {
  if (path.watch) return method === 'GET' ? 'watch' : undefined;
  switch (method) {
    case 'HEAD':
      return path.name === '' ? 'list' : 'get';
    case 'GET':
      if (path.name !== '') return 'get';
      return query.has('watch') && readBoolean(query, 'watch') ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return path.name === '' ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}

/** Authorises and answers a request for a resource. Throws ApiErrors and StoreErrors. */
export async function dispatchResource(
  registry: Registry,
  request: ApiRequest,
  options: Pick<Call, 'path' | 'query' | 'user' | 'warnings' | 'annotations'>,
): Promise<ApiResponse> {
  const { path, user } = options;
  const verb = await authorizeCall(registry, request, options);
  const resource = await resourceOf(registry, path);
  // What is not stored here may be somebody else's to serve: a metrics-server's, for example.
  if (resource === undefined || resource.definition.computed === true) {
    const elsewhere = await registry.aggregation?.handle(request, { group: path.group, version: path.version, user });
    if (elsewhere !== undefined) return elsewhere;
  }
  if (resource === undefined) throw pathNotFound();
  return answer(registry, { request, resource, ...options }, verb);
}

/** The authorised call of a request, and its verb; undefined for a resource that is not served here. Throws 403 before it tells that. */
export async function admitCall(
  registry: Registry,
  request: ApiRequest,
  options: Pick<Call, 'path' | 'query' | 'user' | 'warnings' | 'annotations'>,
): Promise<{ call: Call; verb: Verb } | undefined> {
  const verb = await authorizeCall(registry, request, options);
  const resource = await resourceOf(registry, options.path);
  return resource === undefined ? undefined : { call: { request, resource, ...options }, verb };
}

/** What the request does, if its user may do it. Throws 403. */
async function authorizeCall(
  registry: Registry,
  request: ApiRequest,
  { path, query, user }: { path: ResourcePath; query: URLSearchParams; user: UserInfo },
): Promise<Verb> {
  const verb = verbOf(request.method, path, query);
  if (verb === undefined) throw refuseMethod();
  const attributes = resourceAttributes(user, verb, path, query);
  const { allowed, reason } = await registry.authorizer.authorize(attributes);
  if (!allowed) throw forbiddenByAuthorizer(attributes, reason);
  return verb;
}

/** What a path names, definitions that others have just written included. */
async function resourceOf({ catalog, refreshCustom }: Registry, path: ResourcePath): Promise<Resource | undefined> {
  const resource = catalog.find(path.group, path.version, path.resource);
  if (resource !== undefined && resource.definition.custom === undefined) return resource;
  await refreshCustom();
  return catalog.find(path.group, path.version, path.resource);
}

/** What cannot be answered as the client wants it must be refused before anything is written. */
const CHANGES: ReadonlySet<Verb> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

async function answer(registry: Registry, call: Call, verb: Verb): Promise<ApiResponse> {
  const { resource, path } = call;
  checkScope(resource, path, verb);
  if (isReview(registry, resource)) {
    if (verb !== 'create' || path.name !== '') throw refuseMethod();
    return handleReview(registry, call);
  }
  if (resource.definition.computed === true) {
    if (verb !== 'get' && verb !== 'list') throw refuseMethod();
    return handleComputed(registry, call, verb);
  }
  if (path.subresource !== '') return answerSubresource(registry, call, verb);
  if (verb === 'create' && path.name !== '') throw refuseMethod();
  if ((verb === 'update' || verb === 'patch') && path.name === '') throw refuseMethod();
  if (!resource.verbs.has(verb)) throw refuseMethod();
  warnInert(resource, call, verb);
  if (CHANGES.has(verb)) negotiate(call.request.header('accept'));
  switch (verb) {
    case 'create':
      return handleCreate(registry, call);
    case 'get':
      return handleGet(registry, call, requireView(registry, call));
    case 'list':
      return call.request.method === 'HEAD' ? handleRevision(registry, call) : handleList(registry, call);
    case 'watch':
      return call.query.has(CATCH_UP_PARAMETER) ? handleCatchUp(registry, call) : handleWatch(registry, call);
    case 'update':
      return handleUpdate(registry, call, requireView(registry, call));
    case 'patch':
      return handlePatch(registry, call, requireView(registry, call));
    case 'delete':
      return handleDelete(registry, call);
    case 'deletecollection':
      return handleDeleteCollection(registry, call);
  }
}

/** The one subresource that takes every method, and that a path of its own may follow. */
const PROXY = 'proxy';

async function answerSubresource(registry: Registry, call: Call, verb: Verb): Promise<ApiResponse> {
  const { resource, path } = call;
  if (path.subresource === PROXY && resource.definition.subresources?.some(({ name }) => name === PROXY) === true) {
    return handleProxy(registry, call);
  }
  if (path.rest !== '') throw pathNotFound();
  const view = viewOf(registry, call);
  if (view !== undefined && CHANGES.has(verb)) negotiate(call.request.header('accept'));
  if (view === undefined) {
    if (verb === 'get' || verb === 'create' || verb === 'update') return handleAction(registry, call, verb);
    throw refuseMethod();
  }
  switch (verb) {
    case 'get':
      return handleGet(registry, call, view);
    case 'update':
      return handleUpdate(registry, call, view);
    case 'patch':
      return handlePatch(registry, call, view);
    default:
      throw refuseMethod();
  }
}

function requireView(registry: Registry, call: Call) {
  const view = viewOf(registry, call);
  if (view === undefined) throw pathNotFound();
  return view;
}

/** Kinds that only know `create` and have a handler are questions, not objects. */
function isReview(registry: Registry, resource: Resource): boolean {
  return registry.reviews[resource.kind] !== undefined && resource.verbs.size === 1 && resource.verbs.has('create');
}

/** A namespaced resource is written and read inside a namespace, a cluster-scoped one outside; others do not exist. */
function checkScope(resource: Resource, path: ResourcePath, verb: Verb): void {
  const { namespaced } = resource.definition;
  if (!namespaced && path.namespace !== '') throw pathNotFound();
  if (namespaced && path.namespace === '' && path.name !== '') throw pathNotFound();
  if (namespaced && path.namespace === '' && verb !== 'list' && verb !== 'watch' && resource.verbs.size > 1) {
    throw refuseMethod();
  }
}

function warnInert(resource: Resource, call: Call, verb: Verb): void {
  if (resource.definition.inert !== true) return;
  if (verb !== 'create' && verb !== 'update' && verb !== 'patch') return;
  call.warnings.add(`${resource.kind} objects are stored, but nothing in this cluster acts on ${resource.plural} yet`);
}

/** 405 of a path that exists. */
export function refuseMethod(): ApiError {
  return new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

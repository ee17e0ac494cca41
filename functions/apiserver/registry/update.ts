import { conflict, invalidError, isApiError, notFoundError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { ManagerEntry } from '../../../lib/schema/apply/index.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { StoredObject } from '../../../lib/store/store.js';
import { forbiddenByAuthorizer } from '../auth/authorizer.js';
import { admitWrite } from './admit.js';
import { resourceAttributes } from './attributes.js';
import { keyOf, type Resource } from './catalog.js';
import { hookContext, type Call, type Registry, type WriteOptions } from './context.js';
import { createObject } from './create.js';
import { decodeBody } from './decode.js';
import { encodeObject } from './encode.js';
import { isFinished } from './finish.js';
import { cloneJson, equalJson } from './json-values.js';
import { WRITE_ATTEMPTS_MAX } from './limits.js';
import { bumpGeneration, keepSystemMetadata, matchName, matchNamespace, withMeta, type WithMeta } from './metadata.js';
import { setApplied, trackWrite } from './ownership.js';
import { checkWritePreconditions } from './preconditions.js';
import { readWriteOptions } from './options.js';
import type { ApiResponse } from './request.js';
import { reserve } from './reserve.js';
import type { View } from './view.js';
import { writeObject } from './write-object.js';

/** PUT of an object, its status or another view of it. */
export async function handleUpdate(registry: Registry, call: Call, view: View): Promise<ApiResponse> {
  const options = readWriteOptions(call.query, 'UpdateOptions');
  const { resource, path } = call;
  const body = withMeta(await decodeBody(registry, call, view.expected, options));
  matchName(body, path.name);
  matchNamespace(body, path.namespace);
  const { body: bytes, created } = await updateObject(registry, call, {
    options,
    part: view.part,
    mayCreate: resource.definition.allowCreateOnUpdate === true && path.subresource === '',
    requireVersion: resource.definition.allowUnconditionalUpdate === false && path.subresource === '',
    change: (old) => ({ object: view.write(cloneJson(body), old) }),
    create: () => ({ object: cloneJson(body) }),
  });
  return view.present(created ? 201 : 200, bytes);
}

/** A wanted state, and who owns its fields where a configuration was applied; else that is found out by what changes. */
export interface Wanted<T extends KubernetesObject> {
  readonly object: T;
  readonly applied?: readonly ManagerEntry[];
}

export interface UpdateRequest {
  readonly options: WriteOptions;
  /** The wanted state in storage form, made from the present one, which must not be changed. Runs again after a conflict. */
  change(old: WithMeta): Wanted<WithMeta> | Promise<Wanted<WithMeta>>;
  /** A missing object is created from what `create` gives, in the version of the request. */
  readonly mayCreate?: boolean;
  create?(): Wanted<KubernetesObject> | Promise<Wanted<KubernetesObject>>;
  /** The object must state the resourceVersion it was made from. */
  readonly requireVersion?: boolean;
  /** The wanted state is made anew from each present one, so that its version ties it to none. */
  readonly isPatch?: boolean;
  /** What may be written: '' for all but the status, `status`, or the part a subresource has set already. */
  readonly part: string;
}

export interface Updated {
  readonly body: Uint8Array;
  readonly created: boolean;
}

/**
 * Reads, changes and writes an object until nobody interferes. An object that states a resourceVersion is tried once; a state
 * that equals the stored one is not written.
 */
export async function updateObject(registry: Registry, call: Call, request: UpdateRequest): Promise<Updated> {
  const resource = registry.catalog.storage(call.resource);
  const { namespace, name } = call.path;
  const key = keyOf(namespace, name);
  for (let attempt = 1; ; attempt++) {
    const stored = await registry.store.get(resource.collection, key);
    if (stored === undefined) {
      if (request.mayCreate !== true || request.create === undefined) throw notFoundError(call.resource.target, name);
      const body = await createMissing(registry, call, await request.create(), request.options);
      if (body !== undefined) return { body, created: true };
    } else {
      const body = await updateOnce(registry, call, { request, resource, stored });
      if (body !== undefined) return { body, created: false };
    }
    if (attempt === WRITE_ATTEMPTS_MAX) throw conflict(call.resource.target, name);
  }
}

/** What a PUT creates needs the right to create it. Undefined when another writer was faster: then it is an update. */
async function createMissing(
  registry: Registry,
  call: Call,
  wanted: Wanted<KubernetesObject>,
  options: WriteOptions,
): Promise<Uint8Array | undefined> {
  const attributes = resourceAttributes(call.user, 'create', call.path, call.query);
  const { allowed, reason } = await registry.authorizer.authorize(attributes);
  if (!allowed) throw forbiddenByAuthorizer(attributes, reason);
  try {
    return await createObject(registry, call, missing(call, wanted.object), options, wanted.applied);
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return undefined;
    throw error;
  }
}

/** A PUT that creates must not state a version: the object it was made from is gone. */
function missing(call: Call, object: KubernetesObject): KubernetesObject {
  const { resourceVersion = '', uid = '' } = object.metadata ?? {};
  if ((resourceVersion !== '' && resourceVersion !== '0') || uid !== '') {
    throw notFoundError(call.resource.target, call.path.name);
  }
  return object;
}

interface Attempt {
  readonly request: UpdateRequest;
  readonly resource: Resource;
  readonly stored: StoredObject;
}

/** Undefined when another writer was faster and the request may be tried again. */
async function updateOnce(registry: Registry, call: Call, attempt: Attempt): Promise<Uint8Array | undefined> {
  const { request, resource, stored } = attempt;
  const old = withMeta(registry.objects.parse(resource.collection, stored));
  const { object, applied } = await request.change(old);
  const conditional = checkVersions(call, request, object, old);
  const given = object.metadata.managedFields;
  const { options, part } = request;
  const ownership =
    applied === undefined
      ? await trackWrite(registry, call, { resource, object, old, given, part, options })
      : setApplied(registry, call, { object, options }, applied);
  await admitWrite(registry, call, {
    operation: 'UPDATE',
    resource,
    subresource: call.path.subresource,
    namespace: call.path.namespace,
    object,
    old,
    dryRun: request.options.dryRun,
    shape: () =>
      shapeUpdate(registry, call, { resource, object, old, subresource: request.part, dryRun: request.options.dryRun }),
  });
  ownership.settle(object, call.warnings);
  if (isFinished(resource, object)) return remove(registry, call, { resource, object, old, stored, request });
  delete object.metadata.resourceVersion;
  if (stored.isStale !== true && isUnchanged(object, old)) return stored.body;

  const { namespace, subresource } = call.path;
  const write = { namespace, subresource, object, old, dryRun: request.options.dryRun };
  return reserve(registry, resource, write, async () => {
    if (request.options.dryRun) return encodeObject(object).body(stored.revision);
    try {
      const target = { key: stored.key, expect: stored.revision };
      return await writeObject(registry, resource, { ...target, object, mayDisown: applied === undefined });
    } catch (error) {
      if (!isStoreError(error, 'conflict')) throw error;
      if (conditional) throw conflict(call.resource.target, call.path.name);
      return undefined;
    }
  });
}

/** True when the client has tied its update to one state. */
function checkVersions(call: Call, request: UpdateRequest, object: WithMeta, old: WithMeta): boolean {
  const { resourceVersion = '', uid = '' } = object.metadata;
  const { name } = call.path;
  const stated = resourceVersion !== '' && resourceVersion !== '0';
  if (!stated && request.requireVersion === true) {
    throw invalidError(call.resource, name, [
      {
        type: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        body: 'Invalid value: 0x0: must be specified for an update',
      },
    ]);
  }
  checkWritePreconditions(call.resource, old.metadata, { uid });
  if (stated && resourceVersion !== old.metadata.resourceVersion) throw conflict(call.resource.target, name);
  return stated && request.isPatch !== true;
}

/** Times at which managers wrote do not count: a write that changes nothing else is none. */
function isUnchanged(object: WithMeta, old: WithMeta): boolean {
  const { managedFields: after, ...metadata } = object.metadata;
  const { managedFields: before, resourceVersion: _, ...oldMetadata } = old.metadata;
  return (
    equalJson({ ...object, metadata }, { ...old, metadata: oldMetadata }) &&
    equalJson(withoutTimes(after), withoutTimes(before))
  );
}

function withoutTimes(managedFields: readonly unknown[] | undefined): unknown[] | undefined {
  return managedFields?.map((entry) => ({ ...(entry as object), time: undefined }));
}

/** Puts the old state where this write may not reach, and lets the kind have its say. */
function shapeUpdate(
  registry: Registry,
  call: Call,
  write: { resource: Resource; object: WithMeta; old: WithMeta; subresource: string; dryRun: boolean },
): void {
  const { resource, object, old, subresource } = write;
  const { definition } = resource;
  const context = hookContext(registry, call, { dryRun: write.dryRun, subresource });
  keepSystemMetadata(object, old);
  if (subresource === 'status') {
    keepAllButStatus(object, old);
    definition.prepareForStatusUpdate?.(object, old, context);
    return;
  }
  if (definition.hasStatus === true && subresource === '') copyMember(object, old, 'status');
  definition.prepareForUpdate?.(object, old, context);
  bumpGeneration(resource, object, old);
}

function keepAllButStatus(object: WithMeta, old: WithMeta): void {
  const fields = new Set([...Object.keys(object), ...Object.keys(old)]);
  for (const field of fields) {
    if (field !== 'metadata' && field !== 'status' && field !== 'kind' && field !== 'apiVersion')
      copyMember(object, old, field);
  }
  copyMember(object.metadata, old.metadata, 'labels');
  copyMember(object.metadata, old.metadata, 'ownerReferences');
}

function copyMember(target: object, source: object, name: string): void {
  const value = (source as Record<string, unknown>)[name];
  if (value === undefined) delete (target as Record<string, unknown>)[name];
  else (target as Record<string, unknown>)[name] = cloneJson(value);
}

/** The last finalizer of a deleted object has gone: so does the object. */
async function remove(
  registry: Registry,
  call: Call,
  removal: { resource: Resource; object: WithMeta; old: WithMeta; stored: StoredObject; request: UpdateRequest },
): Promise<Uint8Array | undefined> {
  const { resource, object, old, stored, request } = removal;
  const { dryRun } = request.options;
  const write = { namespace: call.path.namespace, subresource: '', object: undefined, old, dryRun };
  return reserve(registry, resource, write, async () => {
    const encoded = encodeObject(object);
    if (dryRun) return encoded.body(stored.revision);
    try {
      const [revision] = await registry.store.write(resource.collection, [
        { key: stored.key, expect: stored.revision, body: encoded.body, delete: true },
      ]);
      return encoded.body(revision as number);
    } catch (error) {
      if (isStoreError(error, 'conflict')) return undefined;
      throw error;
    }
  });
}

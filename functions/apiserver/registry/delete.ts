import { conflict, notFoundError } from '../../../lib/api/errors.js';
import { formatTime } from '../../../lib/clock/clock.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { StoredObject } from '../../../lib/store/store.js';
import { admitDelete } from './admit.js';
import { keyOf, type Resource } from './catalog.js';
import { hookContext, type Call, type Registry } from './context.js';
import { readDeleteOptions, type DeleteOptions } from './delete-options.js';
import { encodeObject } from './encode.js';
import { isFinished } from './finish.js';
import { cloneJson } from './json-values.js';
import { WRITE_ATTEMPTS_MAX } from './limits.js';
import { withMeta, type WithMeta } from './metadata.js';
import { parseStored } from './objects.js';
import { present, presentValue } from './present.js';
import type { ApiResponse } from './request.js';
import { checkDeletePreconditions } from './preconditions.js';
import { reserve } from './reserve.js';
import { successStatus } from './respond.js';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** The last moment that a timestamp can say: grace periods may be any number. */
const TIME_MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

export interface Deleted {
  /** The object's last state, or the one it now waits in. */
  readonly body: Uint8Array;
  /** Gone, rather than waiting for finalizers or its grace period. */
  readonly gone: boolean;
}

/** DELETE of one object. */
export async function handleDelete(registry: Registry, call: Call): Promise<ApiResponse> {
  const options = await readDeleteOptions(registry, call);
  const { name } = call.path;
  const { body, gone } = await deleteObject(registry, call, name, options);
  const { resource } = call;
  if (!gone) {
    const waits = options.propagationPolicy === 'Foreground' || options.orphanDependents === false;
    return present(registry, call, waits ? 202 : 200, body);
  }
  if (resource.definition.returnsDeletedObject === true) {
    return present(registry, call, 200, body);
  }
  const uid = parseStored(body).metadata?.uid;
  const { group, plural } = resource;
  return presentValue(
    call,
    200,
    successStatus({ name, ...(group === '' ? {} : { group }), kind: plural, ...(uid === undefined ? {} : { uid }) }),
  );
}

/** Deletes one object of the call's resource, in the call's namespace. Throws 404 when there is none. */
export async function deleteObject(
  registry: Registry,
  call: Call,
  name: string,
  options: DeleteOptions,
  namespace = call.path.namespace,
): Promise<Deleted> {
  const resource = registry.catalog.storage(call.resource);
  const key = keyOf(namespace, name);
  for (let attempt = 1; ; attempt++) {
    const stored = await registry.store.get(resource.collection, key);
    if (stored === undefined) throw notFoundError(call.resource.target, name);
    const deleted = await deleteOnce(registry, call, { resource, stored, namespace, name, options });
    if (deleted !== undefined) return deleted;
    if (attempt === WRITE_ATTEMPTS_MAX) throw conflict(call.resource.target, name);
  }
}

interface Attempt {
  readonly resource: Resource;
  readonly stored: StoredObject;
  readonly namespace: string;
  readonly name: string;
  readonly options: DeleteOptions;
}

/** Undefined when another writer was faster. */
async function deleteOnce(registry: Registry, call: Call, attempt: Attempt): Promise<Deleted | undefined> {
  const { resource, stored, namespace, name, options } = attempt;
  const old = withMeta(registry.objects.parse(resource.collection, stored));
  checkDeletePreconditions(call.resource, old.metadata, options);
  await admitDelete(registry, call, { resource, namespace, name, old, dryRun: options.dryRun });

  const object = withMeta(cloneJson(old));
  const waits = markDeleted(registry, call, resource, object, options);
  if (waits && object.metadata.deletionTimestamp === old.metadata.deletionTimestamp && !changed(object, old)) {
    return { body: stored.body, gone: false };
  }
  // What goes at once without a grace period has never been marked: its last state is the one it had.
  if (!waits) return writeDelete(registry, attempt, resource.definition.graceful === undefined ? old : object, old);
  return writeMark(registry, attempt, object);
}

function changed(object: WithMeta, old: WithMeta): boolean {
  const [left, right] = [object.metadata, old.metadata];
  return (
    left.deletionGracePeriodSeconds !== right.deletionGracePeriodSeconds ||
    (left.finalizers ?? []).join('\n') !== (right.finalizers ?? []).join('\n')
  );
}

/** Marks the object as deleted, with the finalizers of its policy and its grace period. False: nothing holds it, it may go at once. */
function markDeleted(
  registry: Registry,
  call: Call,
  resource: Resource,
  object: WithMeta,
  options: DeleteOptions,
): boolean {
  const { definition } = resource;
  const { metadata } = object;
  const finalizers = policyFinalizers(resource, metadata.finalizers ?? [], options);
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;

  const graceful = definition.graceful;
  const grace = graceful === undefined ? 0 : graceful.gracePeriodSeconds(object, options.gracePeriodSeconds);
  const before = metadata.deletionTimestamp;
  if (before === undefined) {
    metadata.deletionTimestamp = formatTime(Math.min(registry.clock.now() + Number(grace) * 1_000, TIME_MAX_MS));
    if (graceful !== undefined || finalizers.length > 0) metadata.deletionGracePeriodSeconds = grace;
    if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation++;
    definition.prepareForDelete?.(object, hookContext(registry, call, options));
  } else if (graceful !== undefined) {
    shorten(object, before, options.gracePeriodSeconds === undefined ? undefined : grace, registry.clock.now());
  }
  return !isFinished(resource, object);
}

/** A second delete may only shorten the grace period, and not to a moment that has passed. */
function shorten(object: WithMeta, deletionTimestamp: string, grace: number | undefined, nowMs: number): void {
  const { metadata } = object;
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  if (grace === undefined || grace >= before) return;
  const shortenedMs = Date.parse(deletionTimestamp) - (Number(before) - grace) * 1_000;
  metadata.deletionTimestamp = formatTime(Math.max(shortenedMs, nowMs));
  metadata.deletionGracePeriodSeconds = grace;
}

/** Dependents are orphaned or deleted first by finalizers that the garbage collector takes away. */
function policyFinalizers(resource: Resource, finalizers: readonly string[], options: DeleteOptions): string[] {
  const rest = finalizers.filter((one) => one !== ORPHAN && one !== FOREGROUND);
  const { orphanDependents, propagationPolicy } = options;
  if (orphanDependents !== undefined) return orphanDependents ? [...rest, ORPHAN] : rest;
  switch (propagationPolicy) {
    case 'Orphan':
      return [...rest, ORPHAN];
    case 'Foreground':
      return [...rest, FOREGROUND];
    case 'Background':
      return rest;
    case undefined:
      if (finalizers.length > rest.length) return [...finalizers];
      return resource.definition.defaultPropagation === 'Orphan' ? [...rest, ORPHAN] : rest;
  }
}

async function writeDelete(
  registry: Registry,
  attempt: Attempt,
  object: WithMeta,
  old: WithMeta,
): Promise<Deleted | undefined> {
  const { resource, stored, namespace, options } = attempt;
  const write = { namespace, subresource: '', object: undefined, old, dryRun: options.dryRun };
  const body = await reserve(registry, resource, write, async () => {
    const encoded = encodeObject(object);
    if (options.dryRun) return stored.body;
    return writeOne(registry, resource, { key: stored.key, expect: stored.revision, body: encoded.body, delete: true });
  });
  return body === undefined ? undefined : { body, gone: true };
}

async function writeMark(registry: Registry, attempt: Attempt, object: WithMeta): Promise<Deleted | undefined> {
  const { resource, stored, options } = attempt;
  const encoded = encodeObject(object);
  if (options.dryRun) return { body: encoded.body(stored.revision), gone: false };
  const body = await writeOne(registry, resource, {
    key: stored.key,
    expect: stored.revision,
    body: encoded.body,
  });
  return body === undefined ? undefined : { body, gone: false };
}

/** The bytes written, or undefined when another writer was faster. */
async function writeOne(
  registry: Registry,
  resource: Resource,
  operation: { key: string; expect: number; body: (revision: number) => Uint8Array; delete?: boolean },
): Promise<Uint8Array | undefined> {
  try {
    const [revision] = await registry.store.write(resource.collection, [operation]);
    return operation.body(revision as number);
  } catch (error) {
    if (isStoreError(error, 'conflict')) return undefined;
    throw error;
  }
}

import { alreadyExists, badRequest, forbiddenError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { ManagerEntry } from '../../../lib/schema/apply/index.js';
import { isStoreError } from '../../../lib/store/errors.js';
import { admitWrite } from './admit.js';
import { keyOf } from './catalog.js';
import { hookContext, type Call, type Registry, type WriteOptions } from './context.js';
import { toStorage } from './convert.js';
import { decodeBody } from './decode.js';
import { encodeObject } from './encode.js';
import { cloneJson } from './json-values.js';
import { GENERATE_NAME_ATTEMPTS_MAX } from './limits.js';
import { initialiseMetadata, matchNamespace, withMeta, type WithMeta } from './metadata.js';
import { readWriteOptions } from './options.js';
import { setApplied, trackWrite } from './ownership.js';
import { present } from './present.js';
import type { ApiResponse } from './request.js';
import { reserve } from './reserve.js';
import { writeObject } from './write-object.js';

/** POST to a collection. */
export async function handleCreate(registry: Registry, call: Call): Promise<ApiResponse> {
  const options = readWriteOptions(call.query, 'CreateOptions');
  const { resource } = call;
  const body = await decodeBody(registry, call, { ...resource, schema: resource.schema }, options);
  const created = await createObject(registry, call, body, options);
  return present(registry, call, 201, created);
}

/**
 * Creates an object of the call's resource, decoded already. Returns the stored bytes. `applied`: who owns an object that comes from an
 * applied configuration.
 */
export async function createObject(
  registry: Registry,
  call: Call,
  body: KubernetesObject,
  options: WriteOptions,
  applied?: readonly ManagerEntry[],
): Promise<Uint8Array> {
  const given = withMeta(body);
  matchNamespace(given, call.path.namespace);
  const { name = '', generateName = '', resourceVersion = '' } = given.metadata;
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const generated = name === '' && generateName !== '';
  for (let attempt = 1; ; attempt++) {
    const last = !generated || attempt === GENERATE_NAME_ATTEMPTS_MAX;
    const object = toStorage(registry, call.resource, last ? given : cloneJson(given));
    const created = await createOnce(registry, call, object, { ...options, generated, applied });
    if (created !== undefined) return created;
    if (last) throw alreadyExists(call.resource.target, object.metadata.name ?? '');
  }
}

/** Undefined when the name is taken. */
async function createOnce(
  registry: Registry,
  call: Call,
  object: WithMeta,
  options: WriteOptions & { generated: boolean; applied: readonly ManagerEntry[] | undefined },
): Promise<Uint8Array | undefined> {
  const resource = registry.catalog.storage(call.resource);
  const { definition } = resource;
  if (definition.refusesCreate !== undefined)
    throw forbiddenError(resource.target, object.metadata.name ?? '', definition.refusesCreate);
  delete object.metadata.resourceVersion;
  const given = object.metadata.managedFields;
  initialiseMetadata(registry, resource, object);
  const { applied } = options;
  const ownership =
    applied === undefined
      ? await trackWrite(registry, call, { resource, object, old: undefined, given, part: '', options })
      : setApplied(registry, call, { object, options }, applied);
  const { namespace } = call.path;
  await admitWrite(registry, call, {
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace,
    object,
    old: undefined,
    dryRun: options.dryRun,
    isNameGenerated: options.generated,
    shape() {
      if (definition.hasStatus === true && definition.keepsStatusOnCreate !== true)
        resetStatus(object, definition.custom !== undefined);
      definition.prepareForCreate?.(object, hookContext(registry, call, { ...options, subresource: '' }));
    },
  });
  ownership.settle(object, call.warnings);
  const key = keyOf(namespace, object.metadata.name ?? '');
  if (options.dryRun && (await registry.store.get(resource.collection, key)) !== undefined) return undefined;

  const write = { namespace, subresource: '', object, old: undefined, dryRun: options.dryRun };
  return reserve(registry, resource, write, async () => {
    if (options.dryRun) return encodeObject(object).unversioned();
    try {
      return await writeObject(registry, resource, { key, expect: 'absent', object, mayDisown: applied === undefined });
    } catch (error) {
      if (isStoreError(error, 'conflict')) return undefined;
      throw error;
    }
  });
}

function resetStatus(object: KubernetesObject, isCustom: boolean): void {
  if (isCustom) delete (object as { status?: unknown }).status;
  else (object as { status?: unknown }).status = {};
}

import { isStoreError } from '../../../lib/store/errors.js';
import type { Resource } from './catalog.js';
import type { Registry } from './context.js';
import { encodeObject } from './encode.js';
import type { WithMeta } from './metadata.js';

/**
 * Writes one object and returns its bytes. An object that is too large for the store only because of its managedFields is written
 * without them where `mayDisown` allows it, as Kubernetes does. Throws StoreErrors.
 */
export async function writeObject(
  registry: Registry,
  resource: Resource,
  write: { key: string; expect: number | 'absent'; object: WithMeta; mayDisown: boolean },
): Promise<Uint8Array> {
  const { key, expect, object, mayDisown } = write;
  try {
    return await writeBytes(registry, resource, key, expect, object);
  } catch (error) {
    if (!mayDisown || !isStoreError(error, 'too-large') || object.metadata.managedFields === undefined) throw error;
    delete object.metadata.managedFields;
    return writeBytes(registry, resource, key, expect, object);
  }
}

async function writeBytes(
  registry: Registry,
  resource: Resource,
  key: string,
  expect: number | 'absent',
  object: WithMeta,
): Promise<Uint8Array> {
  const encoded = encodeObject(object);
  const [revision] = await registry.store.write(resource.collection, [{ key, expect, body: encoded.body }]);
  return encoded.body(revision as number);
}

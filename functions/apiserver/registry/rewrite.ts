import { conflict, notFoundError } from '../../../lib/api/errors.js';
import { isStoreError } from '../../../lib/store/errors.js';
import { keyOf, type Resource } from './catalog.js';
import type { Registry } from './context.js';
import { encodeObject } from './encode.js';
import { cloneJson } from './json-values.js';
import { WRITE_ATTEMPTS_MAX } from './limits.js';
import { withMeta, type WithMeta } from './metadata.js';

/**
 * The server's own change of an object (a binding, a disruption budget's count): no admission and no validation, repeated
 * until nobody interferes. `change` edits a copy and may throw. With `dryRun` nothing is written.
 */
export async function rewriteObject(
  registry: Pick<Registry, 'objects' | 'store'>,
  resource: Resource,
  target: { namespace: string; name: string; dryRun: boolean },
  change: (object: WithMeta) => void,
): Promise<WithMeta> {
  const key = keyOf(target.namespace, target.name);
  for (let attempt = 1; ; attempt++) {
    const stored = await registry.store.get(resource.collection, key);
    if (stored === undefined) throw notFoundError(resource.target, target.name);
    const object = withMeta(cloneJson(registry.objects.parse(resource.collection, stored)));
    change(object);
    if (target.dryRun) return object;
    try {
      const { body } = encodeObject(object);
      await registry.store.write(resource.collection, [{ key, expect: stored.revision, body }]);
      return object;
    } catch (error) {
      if (!isStoreError(error, 'conflict')) throw error;
      if (attempt === WRITE_ATTEMPTS_MAX) throw conflict(resource.target, target.name);
    }
  }
}

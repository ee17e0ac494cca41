import type { V1Binding, V1Pod } from '../../lib/schema/generated/types.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import type { Transport, TransportResponse } from '../../lib/client/transport.js';
import { isStoreError } from '../../lib/store/errors.js';
import type { ChangeFeed, Store, WriteOperation } from '../../lib/store/store.js';
import { createdStatus } from '../../functions/apiserver/registry/respond.js';
import { rewriteObject } from '../../functions/apiserver/registry/rewrite.js';
import type { SubresourceHandler } from '../../functions/apiserver/registry/subresource.js';
import type { Defect } from './defects.js';

/** Nobody looks again later: neither where a reconcile asked for it nor after one that failed. Planted in the queue, which loses what is delayed. */
const lostRequeue: Defect = {
  name: 'a lost requeue',
  queue: (queue) => ({ send: (messages) => queue.send(messages), sendDelayed: () => Promise.resolve() }),
};

/**
 * A writer that finds its object changed writes over it. Planted in the store: an update whose expected revision is not the present one is
 * made as if it were.
 */
const ignoredConflict: Defect = {
  name: 'an ignored conflict',
  store: (store) =>
    withWrite(store, async (collection, operations) => {
      try {
        return await store.write(collection, operations);
      } catch (error) {
        if (!isStoreError(error, 'conflict')) throw error;
        const forced = operations.map(async (operation) => {
          const present = await store.get(collection, operation.key);
          const isUpdate = present !== undefined && operation.expect !== 'absent';
          return isUpdate ? { ...operation, expect: present.revision } : operation;
        });
        return store.write(collection, await Promise.all(forced));
      }
    }),
};

/** What hints have lost stays lost. Planted as an interval that never passes. */
const noResync: Defect = { name: 'no resync', resyncIntervalMs: Number.MAX_SAFE_INTEGER };

/**
 * A pod that has a node is given another one. Planted in the API server: a binding handler that does not look whether the pod is bound
 * already. It shows when the last binding of a scheduler that died arrives after its successor has placed the pod.
 */
const doubleBind: Defect = {
  name: 'a double bind',
  api: (api) => ({ ...api, subresources: { ...api.subresources, 'pods/binding': careless } }),
};

const careless: SubresourceHandler = {
  async create({ registry, body, namespace, name, options }) {
    const pods = registry.catalog.stored('', 'pods');
    if (pods === undefined) throw new Error('pods are not served');
    await rewriteObject(registry, pods, { namespace, name, dryRun: options.dryRun }, (object) => {
      const pod = object as V1Pod;
      if (pod.spec !== undefined) pod.spec.nodeName = (body as V1Binding).target.name;
    });
    return createdStatus();
  },
};

/** An object goes as soon as it is deleted, whoever has a finalizer on it. Planted in the store: what only waits for finalizers is removed. */
const skippedFinalizer: Defect = {
  name: 'a skipped finalizer',
  store: (store) =>
    withWrite(store, (collection, operations) =>
      store.write(
        collection,
        operations.map((operation) => (waitsForFinalizers(operation) ? { ...operation, delete: true } : operation)),
      ),
    ),
};

function waitsForFinalizers({ body, expect, delete: isDelete }: WriteOperation): boolean {
  if (isDelete === true || expect === 'absent') return false;
  const object = JSON.parse(Buffer.from(body(expect + 1)).toString()) as KubernetesObject;
  return object.metadata?.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length > 0;
}

/**
 * Controllers decide on what was true a while ago. Planted in their client: asked for the present revision of a collection, it answers with one
 * that it has heard earlier, so that they do not wait for what has been written since.
 */
const staleRead: Defect = {
  name: 'a stale read',
  transport: (transport): Transport => {
    const answers = new Map<string, TransportResponse>();
    return {
      async send(request) {
        if (request.method !== 'HEAD') return transport.send(request);
        const known = answers.get(request.path);
        if (known !== undefined) return known;
        const response = await transport.send(request);
        if (response.status < 400) answers.set(request.path, response);
        return response;
      },
    };
  },
};

export const plantedDefects: readonly Defect[] = [
  lostRequeue,
  ignoredConflict,
  noResync,
  doubleBind,
  skippedFinalizer,
  staleRead,
];

function withWrite(store: Store & ChangeFeed, write: Store['write']): Store & ChangeFeed {
  return {
    get: (collection, key) => store.get(collection, key),
    list: (collection, options) => store.list(collection, options),
    revision: (collection) => store.revision(collection),
    write,
    changes: (collection, after, limit) => store.changes(collection, after, limit),
    watch: (collection, after, signal) => store.watch(collection, after, signal),
    collections: () => store.collections(),
    close: () => store.close(),
    subscribe: (listener) => store.subscribe(listener),
  };
}

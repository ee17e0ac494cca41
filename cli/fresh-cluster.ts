import type { ListOptions, ListResult } from '../lib/store/store.js';

const SYSTEM_NAMESPACES = '(default|kube-system|kube-public|kube-node-lease)';

/** What a cluster holds that nobody has used yet: all that it makes by itself, its nodes included. */
const FRESH: Readonly<Record<string, RegExp>> = {
  'apiregistration.k8s.io/apiservices': /^v\d\w*\.([a-z.]+\.k8s\.io|apps|autoscaling|batch|policy|)$/,
  'coordination.k8s.io/leases': /^kube-node-lease\//,
  'core/configmaps': new RegExp(
    `^${SYSTEM_NAMESPACES}/kube-root-ca\\.crt$|^kube-system/extension-apiserver-authentication$`,
  ),
  'core/endpoints': /^default\/kubernetes$/,
  'core/events': /^/,
  'core/namespaces': new RegExp(`^${SYSTEM_NAMESPACES}$`),
  'core/nodes': /^/,
  'core/serviceaccounts': new RegExp(`^${SYSTEM_NAMESPACES}/default$`),
  'core/services': /^default\/kubernetes$/,
  'discovery.k8s.io/endpointslices': /^default\/kubernetes(-ipv6)?$/,
  'networking.k8s.io/ipaddresses': /^/,
  'networking.k8s.io/servicecidrs': /^kubernetes$/,
  'scheduling.k8s.io/priorityclasses': /^system-(cluster|node)-critical$/,
  'storage.k8s.io/csinodes': /^/,
};

const PAGE_OBJECTS = 500;

/** An object that somebody has made in the cluster of a store, or undefined where the cluster is empty or fresh. */
export async function madeByUsers(store: {
  collections: readonly string[];
  list(collection: string, options: ListOptions): Promise<ListResult>;
}): Promise<string | undefined> {
  for (const collection of store.collections) {
    let page: ListResult | undefined;
    do {
      page = await store.list(collection, {
        limit: PAGE_OBJECTS,
        ...(page?.continue === undefined ? {} : { continue: page.continue }),
      });
      const found = page.items.find(({ key }) => FRESH[collection]?.test(key) !== true);
      if (found !== undefined) return `${collection} ${found.key}`;
    } while (page.continue !== undefined);
  }
  return undefined;
}

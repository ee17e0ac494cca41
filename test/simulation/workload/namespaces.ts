import { configMaps, deployments, namespaces } from '../../../lib/client/resources.js';
import { pickWish, PASSING_NAMESPACE, NAMESPACES, type Action } from './action.js';
import type { User } from './user.js';

/** Deleted with everything in it, and asked for again under the same name. */
async function renewNamespace(user: User): Promise<void> {
  if (!user.wishesFor(namespaces).some(({ name }) => name === PASSING_NAMESPACE)) return;
  await user.delete(namespaces, { name: PASSING_NAMESPACE });
  user.forgetNamespace(PASSING_NAMESPACE);
  user.inBackground(() => user.create(namespaces, { metadata: { name: PASSING_NAMESPACE } }).then(() => undefined));
}

/** An object that belongs to a workload without any controller knowing of it. */
async function createOwned(user: User): Promise<void> {
  const wish = pickWish(user, deployments);
  if (wish === undefined) return;
  const [owner] = (await user.list(deployments, wish.namespace)).filter(({ metadata }) => metadata?.name === wish.name);
  if (owner?.metadata?.uid === undefined || owner.metadata.deletionTimestamp !== undefined) return;
  const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: wish.name, uid: owner.metadata.uid };
  const metadata = {
    namespace: wish.namespace,
    name: user.newName('settings'),
    ownerReferences: [{ ...reference, blockOwnerDeletion: user.dice.chance(0.5) }],
  };
  await user.create(configMaps, { metadata });
  // It may go with its owner at any time: nobody insists on it.
  user.wishes.delete(`core/configmaps/${metadata.namespace}/${metadata.name}`);
}

export const namespaceActions: readonly Action[] = [
  { name: 'renew namespace', weight: 2, run: renewNamespace },
  { name: 'create owned object', weight: 2, run: createOwned },
];

export async function createNamespaces(user: User): Promise<void> {
  for (const name of NAMESPACES) if (name !== 'default') await user.create(namespaces, { metadata: { name } });
}

import { isApiError } from '../../lib/api/errors.js';
import { keyOf } from '../../lib/client/client.js';
import { namespaces, serviceAccounts } from '../../lib/client/resources.js';
import { watch, watchSelf, type Controller } from '../../lib/work/controller.js';
import { isActive } from './shared/namespaces.js';
import { isNamespaceTerminating } from './shared/pod-control.js';

const NAME = 'default';

/** Each active namespace has the service account that pods get when they name none. Keys are namespaces. */
export const serviceAccountController: Controller = {
  name: 'service-account',
  watches: [
    watchSelf(namespaces),
    watch(serviceAccounts, ({ object }) => (object.metadata?.name === NAME ? [object.metadata.namespace ?? ''] : [])),
  ],
  async reconcile(name, { client, view }) {
    const namespace = (await view(namespaces)).get(undefined, name);
    if (namespace === undefined || !isActive(namespace)) return;
    if ((await view(serviceAccounts)).get(name, NAME) !== undefined) return;
    try {
      await client.create(serviceAccounts, { metadata: { namespace: keyOf(namespace), name: NAME } });
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
  },
};

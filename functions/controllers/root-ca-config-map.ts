import { isApiError } from '../../lib/api/errors.js';
import { configMaps, namespaces } from '../../lib/client/resources.js';
import { watch, watchSelf, type Controller } from '../../lib/work/controller.js';
import { isActive } from './shared/namespaces.js';
import { isNamespaceTerminating } from './shared/pod-control.js';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION_ANNOTATION = 'kubernetes.io/description';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Each active namespace has the bundle by which pods trust the API server; it comes back when deleted and is mended when edited. Keys are namespaces. */
export function rootCaConfigMapController(caCertificate: string): Controller {
  const data = { 'ca.crt': caCertificate };
  const annotations = { [DESCRIPTION_ANNOTATION]: DESCRIPTION };
  return {
    name: 'root-ca-config-map',
    watches: [
      watchSelf(namespaces),
      watch(configMaps, ({ object }) => (object.metadata?.name === NAME ? [object.metadata.namespace ?? ''] : [])),
    ],
    async reconcile(name, { client, view }) {
      const namespace = (await view(namespaces)).get(undefined, name);
      if (namespace === undefined || !isActive(namespace)) return;
      const present = (await view(configMaps)).get(name, NAME);
      if (present === undefined) {
        try {
          await client.create(configMaps, { metadata: { namespace: name, name: NAME, annotations }, data });
        } catch (error) {
          if (!isApiError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
        }
        return;
      }
      const isRight =
        present.data?.['ca.crt'] === caCertificate &&
        Object.keys(present.data).length === 1 &&
        present.metadata?.annotations?.[DESCRIPTION_ANNOTATION] === DESCRIPTION;
      if (isRight) return;
      await client.update(configMaps, {
        ...present,
        metadata: { ...present.metadata, annotations: { ...present.metadata?.annotations, ...annotations } },
        data,
      });
    },
  };
}

import { ApiError, forbiddenError, notFoundError } from '../../../lib/api/errors.js';
import type { V1Namespace } from '../../../lib/schema/generated/types.js';
import type { AdmissionPlugin } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', plural: 'namespaces' };

/** Nothing is created in a namespace that does not exist or is being deleted, and some namespaces are never deleted. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  async mutate(attributes, { policies }) {
    const { operation, namespace, name, kind } = attributes;
    if (kind.group === '' && kind.plural === 'namespaces') {
      if (operation === 'DELETE' && concerns(attributes, 'namespaces') && IMMORTAL.has(name))
        throw forbiddenError({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted');
      return;
    }
    if (namespace === '' || operation === 'DELETE') return;
    // Whoever may ask about access must not learn from the answer which namespaces exist.
    if (kind.group === 'authorization.k8s.io' && kind.plural === 'localsubjectaccessreviews') return;
    const found = await policies.get<V1Namespace>(NAMESPACES, '', namespace);
    if (found === undefined) throw notFoundError({ group: '', resource: 'namespaces' }, namespace);
    if (operation !== 'CREATE') return;
    if (found.status?.phase !== 'Terminating' && found.metadata?.deletionTimestamp === undefined) return;
    const { status } = refusal(
      attributes,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
    throw new ApiError({
      ...status,
      details: {
        ...status.details,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    });
  },
};

import { replicationControllers } from '../../lib/client/resources.js';
import { matchesLabels } from '../../lib/api/label-selector-match.js';
import { createReplicaController } from './shared/replica-controller.js';

export const replicationController = createReplicaController({
  name: 'replication',
  resource: replicationControllers,
  selects: (owner, pod) => {
    const selector = owner.spec?.selector ?? {};
    return Object.keys(selector).length > 0 && matchesLabels(selector, pod.metadata?.labels);
  },
  countsTerminating: false,
});

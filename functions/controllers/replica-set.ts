import { replicaSets } from '../../lib/client/resources.js';
import { matchesLabelSelector } from '../../lib/api/label-selector-match.js';
import { createReplicaController } from './shared/replica-controller.js';

export const replicaSetController = createReplicaController({
  name: 'replicaset',
  resource: replicaSets,
  selects: (owner, pod) => matchesLabelSelector(owner.spec?.selector, pod.metadata?.labels),
  countsTerminating: true,
});

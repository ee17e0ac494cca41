import type { Controller } from '../../lib/work/controller.js';
import { deploymentController } from './deployment/index.js';
import { replicaSetController } from './replica-set.js';
import { replicationController } from './replication-controller.js';

/** What differs between clusters. */
export interface ControllersConfig {}

/** All controllers of a control plane. */
export function createControllers(_config: ControllersConfig): Controller[] {
  return [deploymentController, replicaSetController, replicationController];
}

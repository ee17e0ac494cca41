import type { Controller } from '../../lib/work/controller.js';
import { deploymentController } from './deployment/index.js';
import { nodeIpamController } from './node-ipam.js';
import { replicaSetController } from './replica-set.js';
import { replicationController } from './replication-controller.js';
import { rootCaConfigMapController } from './root-ca-config-map.js';
import { serviceAccountController } from './service-account.js';

/** What differs between clusters. */
export interface ControllersConfig {
  /** Range of pod IPs (IPv4), of which each node gets a /24. */
  podCidr: string;
  /** PEM: what pods trust the API server by. */
  caCertificate: string;
}

/** All controllers of a control plane. */
export function createControllers(config: ControllersConfig): Controller[] {
  return [
    deploymentController,
    replicaSetController,
    replicationController,
    serviceAccountController,
    rootCaConfigMapController(config.caCertificate),
    nodeIpamController(config.podCidr),
  ];
}

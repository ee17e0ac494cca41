import type { Controller } from '../../lib/work/controller.js';
import { cronJobController } from './cron-job/index.js';
import { customApiServiceController } from './custom-api-services.js';
import { customResourceDefinitionController } from './custom-resource-definition.js';
import { daemonSetController } from './daemon-set/index.js';
import { deploymentController } from './deployment/index.js';
import { disruptionController } from './disruption.js';
import { jobController } from './job/index.js';
import { endpointSliceMirroringController } from './endpoint-slice-mirroring.js';
import { endpointSliceController } from './endpoint-slice/index.js';
import { endpointsController } from './endpoints/index.js';
import { garbageCollector } from './garbage-collector/index.js';
import { namespaceController } from './namespace/index.js';
import { nodeIpamController } from './node-ipam.js';
import { nodeLifecycleController } from './node-lifecycle/index.js';
import { nodeSilenceController } from './node-lifecycle/silence.js';
import { podGarbageCollector } from './pod-garbage-collector.js';
import { resourceQuotaController } from './resource-quota.js';
import { replicaSetController } from './replica-set.js';
import { replicationController } from './replication-controller.js';
import { rootCaConfigMapController } from './root-ca-config-map.js';
import { serviceAccountController } from './service-account.js';
import { staleDisruptionController } from './stale-disruption.js';
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './storage-protection.js';
import { statefulSetController } from './stateful-set/index.js';
import { taintEvictionController } from './taint-eviction.js';

/** What differs between clusters. */
export interface ControllersConfig {
  /** Range of pod IPs (IPv4), of which each node gets a /24. */
  podCidr: string;
  /** PEM: what pods trust the API server by. */
  caCertificate: string;
  /** How long a node without a lease may be silent before it counts as lost. Kubernetes: 40 s. */
  nodeGraceMs: number;
  /** Since when the control plane has been there without a gap, in epoch milliseconds. Default: always. */
  listeningSinceMs?(): number;
  /** How old what an API server decides by may be, of what others have written. 0 where there is one API server alone. */
  policyAgeMs: number;
}

/** All controllers of a control plane. */
export function createControllers(config: ControllersConfig): Controller[] {
  const patience = { graceMs: config.nodeGraceMs, listeningSinceMs: config.listeningSinceMs ?? (() => 0) };
  return [
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController,
    daemonSetController,
    jobController,
    cronJobController,
    disruptionController,
    staleDisruptionController,
    namespaceController(config.policyAgeMs),
    garbageCollector,
    customResourceDefinitionController,
    customApiServiceController,
    endpointsController(),
    endpointSliceController(),
    endpointSliceMirroringController,
    serviceAccountController,
    rootCaConfigMapController(config.caCertificate),
    nodeIpamController(config.podCidr),
    nodeSilenceController(patience),
    nodeLifecycleController(patience),
    taintEvictionController,
    podGarbageCollector(),
    resourceQuotaController,
    claimProtectionController,
    volumeProtectionController,
    attributesClassProtectionController,
  ];
}

import { binding } from './core/binding.js';
import { componentStatus } from './core/component-status.js';
import { configMap } from './core/config-map.js';
import { endpoints } from './core/endpoints.js';
import { event } from './core/event/event.js';
import { limitRange } from './core/limit-range.js';
import { namespace } from './core/namespace.js';
import { node } from './core/node.js';
import { persistentVolume } from './core/persistent-volume.js';
import { persistentVolumeClaim } from './core/persistent-volume-claim.js';
import { podTemplate } from './core/pod-template.js';
import { pod } from './core/pod/pod.js';
import { replicationController } from './core/replication-controller.js';
import { resourceQuota } from './core/resource-quota.js';
import { secret } from './core/secret.js';
import { serviceAccount } from './core/service-account.js';
import { service } from './core/service/service.js';
import type { KindDefinition } from './kind.js';

/** Every built-in kind, by group. */
export const kinds: readonly KindDefinition[] = [
  binding,
  componentStatus,
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
];

import {
  defaultTolerationSeconds,
  TOLERATION_DEFAULTS,
  type TolerationDefaults,
} from './default-toleration-seconds.js';
import { namespaceLifecycle } from './namespace-lifecycle.js';
import { nodeRestriction } from './node-restriction.js';
import type { AdmissionPlugin } from './plugin.js';
import { priority } from './priority.js';
import { serviceAccount } from './service-account.js';
import { taintNodesByCondition } from './taint-nodes-by-condition.js';

export interface AdmissionConfig {
  /** Default: TOLERATION_DEFAULTS. */
  tolerations?: TolerationDefaults;
}

/** The built-in plugins, in the order kube-apiserver runs them. */
export function staticAdmission(config: AdmissionConfig = {}): AdmissionPlugin[] {
  return [
    namespaceLifecycle,
    serviceAccount,
    nodeRestriction,
    taintNodesByCondition,
    priority,
    defaultTolerationSeconds(config.tolerations ?? TOLERATION_DEFAULTS),
  ];
}

import {
  defaultTolerationSeconds,
  TOLERATION_DEFAULTS,
  type TolerationDefaults,
} from './default-toleration-seconds.js';
import { dynamicAdmission, type DynamicAdmissionParts } from './dynamic/index.js';
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

/** All plugins in the order kube-apiserver runs them: what users configure sees what the built-in ones have made. */
export function admissionChain(config: AdmissionConfig & DynamicAdmissionParts): AdmissionPlugin[] {
  return [...staticAdmission(config), ...dynamicAdmission(config)];
}

/** The built-in plugins. */
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

import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.js';
import { defaultIngressClass, defaultStorageClass } from './default-classes.js';
import {
  defaultTolerationSeconds,
  TOLERATION_DEFAULTS,
  type TolerationDefaults,
} from './default-toleration-seconds.js';
import { dynamicAdmission, type DynamicAdmissionParts } from './dynamic/index.js';
import { limitRanger } from './limit-ranger.js';
import { namespaceLifecycle } from './namespace-lifecycle.js';
import { nodeRestriction } from './node-restriction.js';
import type { AdmissionPlugin } from './plugin.js';
import { podSecurity } from './pod-security/index.js';
import { priority } from './priority.js';
import { runtimeClass } from './runtime-class.js';
import { serviceAccount } from './service-account.js';
import { persistentVolumeClaimResize, storageObjectInUseProtection } from './storage-protection.js';
import { taintNodesByCondition } from './taint-nodes-by-condition.js';

export interface AdmissionConfig {
  /** Default: TOLERATION_DEFAULTS. */
  tolerations?: TolerationDefaults;
}

/** All plugins in the order kube-apiserver runs them: what users configure sees what the built-in ones have made. */
export function admissionChain(config: AdmissionConfig & DynamicAdmissionParts): AdmissionPlugin[] {
  return [...staticAdmission(config), ...dynamicAdmission(config)];
}

/** The built-in plugins. ResourceQuota is the `charges` of the API server, behind all others. */
export function staticAdmission(config: AdmissionConfig = {}): AdmissionPlugin[] {
  return [
    namespaceLifecycle,
    limitRanger,
    serviceAccount,
    nodeRestriction,
    taintNodesByCondition,
    podSecurity,
    priority,
    defaultTolerationSeconds(config.tolerations ?? TOLERATION_DEFAULTS),
    defaultStorageClass,
    storageObjectInUseProtection,
    persistentVolumeClaimResize,
    runtimeClass,
    certificateApproval,
    certificateSigning,
    certificateSubjectRestriction,
    defaultIngressClass,
  ];
}

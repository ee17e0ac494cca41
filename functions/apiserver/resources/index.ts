import { nodeMetrics } from './metrics/node-metrics.js';
import { podMetrics } from './metrics/pod-metrics.js';
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
import { controllerRevision } from './apps/controller-revision.js';
import { deployment } from './apps/deployment.js';
import { replicaSet } from './apps/replica-set.js';
import { statefulSet } from './apps/stateful-set.js';
import { daemonSet } from './apps/daemon-set.js';
import { job } from './batch/job.js';
import { cronJob } from './batch/cron-job.js';
import { horizontalPodAutoscaler } from './autoscaling/horizontal-pod-autoscaler.js';
import { podDisruptionBudget } from './policy/pod-disruption-budget.js';
import { ingress } from './networking/ingress.js';
import { ingressClass } from './networking/ingress-class.js';
import { networkPolicy } from './networking/network-policy.js';
import { ipAddress } from './networking/ip-address.js';
import { serviceCidr } from './networking/service-cidr.js';
import { endpointSlice } from './discovery/endpoint-slice.js';
import { lease } from './coordination/lease.js';
import { role } from './rbac/role.js';
import { clusterRole } from './rbac/cluster-role.js';
import { roleBinding } from './rbac/role-binding.js';
import { clusterRoleBinding } from './rbac/cluster-role-binding.js';
import { storageClass } from './storage/storage-class.js';
import { csiDriver } from './storage/csi-driver.js';
import { csiNode } from './storage/csi-node.js';
import { csiStorageCapacity } from './storage/csi-storage-capacity.js';
import { volumeAttachment } from './storage/volume-attachment.js';
import { volumeAttributesClass } from './storage/volume-attributes-class.js';
import { priorityClass } from './scheduling/priority-class.js';
import { runtimeClass } from './node/runtime-class.js';
import { certificateSigningRequest } from './certificates/certificate-signing-request.js';
import { mutatingWebhookConfiguration } from './admissionregistration/mutating-webhook-configuration.js';
import { validatingWebhookConfiguration } from './admissionregistration/validating-webhook-configuration.js';
import { validatingAdmissionPolicy } from './admissionregistration/validating-admission-policy.js';
import { mutatingAdmissionPolicy } from './admissionregistration/mutating-admission-policy.js';
import { validatingAdmissionPolicyBinding } from './admissionregistration/validating-admission-policy-binding.js';
import { mutatingAdmissionPolicyBinding } from './admissionregistration/mutating-admission-policy-binding.js';
import { customResourceDefinition } from './apiextensions/custom-resource-definition.js';
import { apiService } from './apiregistration/api-service.js';
import { deviceClass } from './resource/device-class.js';
import { resourceClaim } from './resource/resource-claim.js';
import { resourceClaimTemplate } from './resource/resource-claim-template.js';
import { resourceSlice } from './resource/resource-slice.js';
import { flowSchema } from './flowcontrol/flow-schema.js';
import { priorityLevelConfiguration } from './flowcontrol/priority-level-configuration.js';
import { tokenReview } from './authentication/token-review.js';
import { selfSubjectReview } from './authentication/self-subject-review.js';
import { subjectAccessReview } from './authorization/subject-access-review.js';
import { localSubjectAccessReview } from './authorization/local-subject-access-review.js';
import { selfSubjectAccessReview } from './authorization/self-subject-access-review.js';
import { selfSubjectRulesReview } from './authorization/self-subject-rules-review.js';
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
  controllerRevision,
  deployment,
  replicaSet,
  statefulSet,
  daemonSet,
  job,
  cronJob,
  horizontalPodAutoscaler,
  podDisruptionBudget,
  ingress,
  ingressClass,
  networkPolicy,
  ipAddress,
  serviceCidr,
  endpointSlice,
  lease,
  role,
  clusterRole,
  roleBinding,
  clusterRoleBinding,
  storageClass,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  volumeAttachment,
  volumeAttributesClass,
  priorityClass,
  runtimeClass,
  certificateSigningRequest,
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
  validatingAdmissionPolicy,
  mutatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  mutatingAdmissionPolicyBinding,
  customResourceDefinition,
  apiService,
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
  flowSchema,
  priorityLevelConfiguration,
  nodeMetrics,
  podMetrics,
  tokenReview,
  selfSubjectReview,
  subjectAccessReview,
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
];

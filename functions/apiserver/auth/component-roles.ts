import { rule, type PolicyRule } from './policy-rule.js';

/** What the system components may do, as in Kubernetes' bootstrap roles `system:kube-scheduler`, `system:controller:…`. */

const READ = 'get list watch';
const EVENTS = rule('create patch update', ['', 'events.k8s.io'], ['events']);
const CHECK_ACCESS = [
  rule('create', ['authentication.k8s.io'], ['tokenreviews']),
  rule('create', ['authorization.k8s.io'], ['subjectaccessreviews']),
];

export const SCHEDULER_RULES: readonly PolicyRule[] = [
  EVENTS,
  ...CHECK_ACCESS,
  rule('create', ['coordination.k8s.io'], ['leases']),
  rule('get update list watch', ['coordination.k8s.io'], ['leases'], ['kube-scheduler']),
  rule(READ, [''], ['nodes', 'namespaces', 'services', 'replicationcontrollers']),
  rule('get list watch delete', [''], ['pods']),
  rule('create', [''], ['pods/binding', 'bindings']),
  rule('patch update', [''], ['pods/status']),
  rule('update', [''], ['pods/finalizers']),
  rule(READ, ['apps'], ['replicasets', 'statefulsets']),
  rule(READ, ['policy'], ['poddisruptionbudgets']),
  rule('get list watch update patch', [''], ['persistentvolumeclaims', 'persistentvolumes']),
  rule(
    READ,
    ['storage.k8s.io'],
    ['csinodes', 'csidrivers', 'csistoragecapacities', 'storageclasses', 'volumeattachments'],
  ),
  rule(READ, ['scheduling.k8s.io'], ['priorityclasses']),
  rule(READ, ['resource.k8s.io'], ['deviceclasses', 'resourceslices']),
  rule('get list watch update patch create delete', ['resource.k8s.io'], ['resourceclaims']),
  rule('get list watch update patch', ['resource.k8s.io'], ['resourceclaims/status']),
];

/** By controller: what its service account in kube-system may do. Together with the manager's own they are the manager's. */
export const CONTROLLER_RULES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'certificate-controller': [
    rule('get list watch delete', ['certificates.k8s.io'], ['certificatesigningrequests']),
    rule(
      'update',
      ['certificates.k8s.io'],
      ['certificatesigningrequests/status', 'certificatesigningrequests/approval'],
    ),
    rule('approve sign', ['certificates.k8s.io'], ['signers']),
    rule('create', ['authorization.k8s.io'], ['subjectaccessreviews']),
    EVENTS,
  ],
  'cronjob-controller': [
    rule('get list watch update', ['batch'], ['cronjobs']),
    rule('get list watch create update delete patch', ['batch'], ['jobs']),
    rule('update patch', ['batch'], ['cronjobs/status', 'cronjobs/finalizers']),
    rule('list watch delete', [''], ['pods']),
    EVENTS,
  ],
  'daemon-set-controller': [
    rule(READ, ['apps'], ['daemonsets']),
    rule('update patch', ['apps'], ['daemonsets/status', 'daemonsets/finalizers']),
    rule('list watch', [''], ['nodes']),
    rule('get list watch create delete patch', [''], ['pods']),
    rule('create', [''], ['pods/binding']),
    rule('get list watch create delete update patch', ['apps'], ['controllerrevisions']),
    EVENTS,
  ],
  'custom-api-service-controller': [
    rule(READ, ['apiextensions.k8s.io'], ['customresourcedefinitions']),
    rule('get list watch create delete', ['apiregistration.k8s.io'], ['apiservices']),
  ],
  'deployment-controller': [
    rule('get list watch update patch', ['apps'], ['deployments']),
    rule('update patch', ['apps'], ['deployments/status', 'deployments/finalizers']),
    rule('get list watch create update patch delete', ['apps'], ['replicasets']),
    rule('get list watch update', [''], ['pods']),
    EVENTS,
  ],
  'disruption-controller': [
    rule(READ, ['apps'], ['deployments', 'replicasets', 'statefulsets']),
    rule(READ, [''], ['replicationcontrollers', 'pods']),
    rule(READ, ['policy'], ['poddisruptionbudgets']),
    rule('update patch', ['policy'], ['poddisruptionbudgets/status']),
    rule('patch update', [''], ['pods/status']),
    rule('get', ['*'], ['*/scale']),
    EVENTS,
  ],
  'endpoint-controller': [
    rule(READ, [''], ['services', 'pods']),
    rule('get list watch create update delete', [''], ['endpoints']),
    rule('create', [''], ['endpoints/restricted']),
    EVENTS,
  ],
  'endpointslice-controller': [
    rule(READ, [''], ['services', 'pods', 'nodes']),
    rule('update', [''], ['services/finalizers']),
    rule('get list watch create update delete', ['discovery.k8s.io'], ['endpointslices']),
    EVENTS,
  ],
  'endpointslicemirroring-controller': [
    rule(READ, [''], ['services', 'endpoints']),
    rule('update', [''], ['services/finalizers', 'endpoints/finalizers']),
    rule('get list watch create update delete', ['discovery.k8s.io'], ['endpointslices']),
    EVENTS,
  ],
  'generic-garbage-collector': [rule('get list watch patch update delete', ['*'], ['*']), EVENTS],
  'horizontal-pod-autoscaler': [
    rule(READ, ['autoscaling'], ['horizontalpodautoscalers']),
    rule('update patch', ['autoscaling'], ['horizontalpodautoscalers/status']),
    rule('get update', ['*'], ['*/scale']),
    rule('list watch', ['', 'metrics.k8s.io'], ['pods']),
    rule(READ, ['custom.metrics.k8s.io', 'external.metrics.k8s.io'], ['*']),
    EVENTS,
  ],
  'job-controller': [
    rule('get list watch update patch', ['batch'], ['jobs']),
    rule('update patch', ['batch'], ['jobs/status', 'jobs/finalizers']),
    rule('get list watch create delete patch', [''], ['pods']),
    EVENTS,
  ],
  'namespace-controller': [
    rule('get list watch delete', [''], ['namespaces']),
    rule('update', [''], ['namespaces/finalize', 'namespaces/status']),
    rule('get list watch delete deletecollection', ['*'], ['*']),
  ],
  'node-controller': [
    rule('get list watch update delete patch', [''], ['nodes']),
    rule('patch update', [''], ['nodes/status', 'pods/status']),
    rule('get list watch delete', [''], ['pods']),
    rule(READ, ['coordination.k8s.io'], ['leases']),
    EVENTS,
  ],
  'persistent-volume-binder': [
    rule('get list watch update create delete patch', [''], ['persistentvolumes']),
    rule('update patch', [''], ['persistentvolumes/status', 'persistentvolumeclaims/status']),
    rule('get list watch update patch create', [''], ['persistentvolumeclaims']),
    rule('get list watch create delete', [''], ['pods']),
    rule(READ, ['storage.k8s.io'], ['storageclasses']),
    rule('list watch', [''], ['nodes']),
    EVENTS,
  ],
  'pod-garbage-collector': [
    rule('list watch delete', [''], ['pods']),
    rule(READ, [''], ['nodes']),
    rule('patch update', [''], ['pods/status']),
  ],
  'pv-protection-controller': [rule('get list watch update', [''], ['persistentvolumes']), EVENTS],
  'pvc-protection-controller': [
    rule('get list watch update', [''], ['persistentvolumeclaims']),
    rule(READ, [''], ['pods']),
    EVENTS,
  ],
  'replicaset-controller': [
    rule('get list watch update', ['apps'], ['replicasets']),
    rule('update patch', ['apps'], ['replicasets/status', 'replicasets/finalizers']),
    rule('get list watch patch create delete', [''], ['pods']),
    EVENTS,
  ],
  'replication-controller': [
    rule('get list watch update', [''], ['replicationcontrollers']),
    rule('update patch', [''], ['replicationcontrollers/status', 'replicationcontrollers/finalizers']),
    rule('get list watch patch create delete', [''], ['pods']),
    EVENTS,
  ],
  'resourcequota-controller': [
    rule('list watch', ['*'], ['*']),
    rule('update patch', [''], ['resourcequotas/status']),
    EVENTS,
  ],
  'root-ca-cert-publisher': [rule('get create update', [''], ['configmaps']), EVENTS],
  'service-account-controller': [rule('get create', [''], ['serviceaccounts']), EVENTS],
  'service-cidrs-controller': [
    rule('get list watch patch update', ['networking.k8s.io'], ['servicecidrs']),
    rule('patch update', ['networking.k8s.io'], ['servicecidrs/finalizers', 'servicecidrs/status']),
    rule('get list watch create update delete', ['networking.k8s.io'], ['ipaddresses']),
    rule(READ, [''], ['services']),
    EVENTS,
  ],
  'service-controller': [
    rule(READ, [''], ['services']),
    rule('patch update', [''], ['services/status']),
    rule('list watch', [''], ['nodes']),
    EVENTS,
  ],
  'statefulset-controller': [
    rule('get list watch create delete update patch', [''], ['pods']),
    rule(READ, ['apps'], ['statefulsets']),
    rule('update patch', ['apps'], ['statefulsets/status', 'statefulsets/finalizers']),
    rule('get create delete update patch list watch', ['apps'], ['controllerrevisions']),
    rule('get list watch create update delete', [''], ['persistentvolumeclaims']),
    rule('update', [''], ['pods/finalizers']),
    EVENTS,
  ],
  'volumeattributesclass-protection-controller': [
    rule('get list watch update', ['storage.k8s.io'], ['volumeattributesclasses']),
    rule(READ, [''], ['persistentvolumeclaims', 'persistentvolumes']),
    EVENTS,
  ],
  'ttl-after-finished-controller': [rule('get list watch delete', ['batch'], ['jobs']), EVENTS],
};

export const CONTROLLER_MANAGER_RULES: readonly PolicyRule[] = [
  rule('create', ['coordination.k8s.io'], ['leases']),
  rule('get update', ['coordination.k8s.io'], ['leases'], ['kube-controller-manager']),
  rule('list watch', ['*'], ['*']),
  rule('get create update', [''], ['secrets', 'serviceaccounts', 'configmaps']),
  rule('delete', [''], ['secrets']),
  rule('create', [''], ['serviceaccounts/token', 'pods/eviction']),
  ...CHECK_ACCESS,
  ...Object.values(CONTROLLER_RULES).flat(),
];

/** The dispatcher turns changes of every collection into work, and reports what failed for good. */
export const DISPATCHER_RULES: readonly PolicyRule[] = [rule(READ, ['*'], ['*']), EVENTS];

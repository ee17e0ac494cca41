import type * as k8s from '../schema/generated/types.js';
import type { KubernetesObject } from '../api/meta.js';
import type { Resource } from './resource.js';

function define<T extends KubernetesObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
): Resource<T> {
  return { group, version, plural, kind, namespaced };
}

/** The resources that components read and write, by the names of their kinds in the plural. */
export const bindings = define<k8s.V1Binding>('', 'v1', 'bindings', 'Binding');
export const configMaps = define<k8s.V1ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const endpoints = define<k8s.V1Endpoints>('', 'v1', 'endpoints', 'Endpoints');
export const events = define<k8s.CoreV1Event>('', 'v1', 'events', 'Event');
export const namespaces = define<k8s.V1Namespace>('', 'v1', 'namespaces', 'Namespace', false);
export const nodes = define<k8s.V1Node>('', 'v1', 'nodes', 'Node', false);
export const persistentVolumeClaims = define<k8s.V1PersistentVolumeClaim>(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
export const persistentVolumes = define<k8s.V1PersistentVolume>(
  '',
  'v1',
  'persistentvolumes',
  'PersistentVolume',
  false,
);
export const volumeAttributesClasses = define<k8s.V1VolumeAttributesClass>(
  'storage.k8s.io',
  'v1',
  'volumeattributesclasses',
  'VolumeAttributesClass',
  false,
);
export const pods = define<k8s.V1Pod>('', 'v1', 'pods', 'Pod');
export const replicationControllers = define<k8s.V1ReplicationController>(
  '',
  'v1',
  'replicationcontrollers',
  'ReplicationController',
);
export const resourceQuotas = define<k8s.V1ResourceQuota>('', 'v1', 'resourcequotas', 'ResourceQuota');
export const secrets = define<k8s.V1Secret>('', 'v1', 'secrets', 'Secret');
export const serviceAccounts = define<k8s.V1ServiceAccount>('', 'v1', 'serviceaccounts', 'ServiceAccount');
export const services = define<k8s.V1Service>('', 'v1', 'services', 'Service');
export const controllerRevisions = define<k8s.V1ControllerRevision>(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
);
export const daemonSets = define<k8s.V1DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const deployments = define<k8s.V1Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const replicaSets = define<k8s.V1ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const statefulSets = define<k8s.V1StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const cronJobs = define<k8s.V1CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
export const jobs = define<k8s.V1Job>('batch', 'v1', 'jobs', 'Job');
export const leases = define<k8s.V1Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const endpointSlices = define<k8s.V1EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const ipAddresses = define<k8s.V1IPAddress>('networking.k8s.io', 'v1', 'ipaddresses', 'IPAddress', false);
export const serviceCidrs = define<k8s.V1ServiceCIDR>('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR', false);
export const podDisruptionBudgets = define<k8s.V1PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const priorityClasses = define<k8s.V1PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
  false,
);
export const subjectAccessReviews = define<k8s.V1SubjectAccessReview>(
  'authorization.k8s.io',
  'v1',
  'subjectaccessreviews',
  'SubjectAccessReview',
  false,
);
export const tokenReviews = define<k8s.V1TokenReview>(
  'authentication.k8s.io',
  'v1',
  'tokenreviews',
  'TokenReview',
  false,
);
export const apiServices = define<k8s.V1APIService>('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService', false);

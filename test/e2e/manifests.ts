/** An object as it stands in a manifest. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name?: string;
    generateName?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

export interface WorkloadOptions {
  replicas?: number;
  image?: string;
  /** Labels of the pods; default `app: NAME`. */
  labels?: Record<string, string>;
  /** Default `app: NAME`. */
  selector?: Record<string, string>;
  /** Annotations of the pods: they script simulated ones. */
  annotations?: Record<string, string>;
  /** Laid over the pod's spec. */
  podSpec?: object;
  /** Laid over the workload's spec. */
  spec?: object;
}

/** One-container workloads with pods labelled `app: NAME`. */
export const deployment = (name: string, options: WorkloadOptions = {}): Manifest =>
  workload('apps/v1', 'Deployment', name, { replicas: 1, ...options });

export const replicaSet = (name: string, options: WorkloadOptions = {}): Manifest =>
  workload('apps/v1', 'ReplicaSet', name, { replicas: 1, ...options });

export const daemonSet = (name: string, options: WorkloadOptions = {}): Manifest =>
  workload('apps/v1', 'DaemonSet', name, options);

export const statefulSet = (name: string, options: WorkloadOptions = {}): Manifest =>
  workload('apps/v1', 'StatefulSet', name, { replicas: 1, ...options, spec: { serviceName: name, ...options.spec } });

export function replicationController(name: string, options: WorkloadOptions = {}): Manifest {
  const made = workload('v1', 'ReplicationController', name, { replicas: 1, ...options });
  return { ...made, spec: { ...(made['spec'] as object), selector: options.selector ?? { app: name } } };
}

function workload(apiVersion: string, kind: string, name: string, options: WorkloadOptions): Manifest {
  return {
    apiVersion,
    kind,
    metadata: { name, labels: { app: name } },
    spec: {
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      selector: { matchLabels: options.selector ?? { app: name } },
      template: template(options.labels ?? { app: name }, options),
      ...options.spec,
    },
  };
}

function template(labels: Record<string, string> | undefined, options: WorkloadOptions): object {
  return {
    metadata: { ...(labels && { labels }), ...(options.annotations && { annotations: options.annotations }) },
    spec: { containers: [{ name: 'main', image: options.image ?? 'nginx:1.27' }], ...options.podSpec },
  };
}

/** A Job; its pods are scripted by `annotations`. */
export function job(name: string, options: WorkloadOptions = {}): Manifest {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: { app: name } },
    spec: {
      template: template(options.labels, { ...options, podSpec: { restartPolicy: 'Never', ...options.podSpec } }),
      ...options.spec,
    },
  };
}

/** `spec` is the CronJob's, the rest its Jobs'. */
export function cronJob(
  name: string,
  schedule: string,
  options: WorkloadOptions & { jobSpec?: object } = {},
): Manifest {
  const { spec } = job(name, { ...options, spec: options.jobSpec ?? {} });
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule, jobTemplate: { spec }, ...options.spec },
  };
}

/** A pod with one container `main`. */
export function pod(
  name: string,
  options: Omit<WorkloadOptions, 'replicas' | 'selector' | 'spec'> & { metadata?: object } = {},
): Manifest {
  const { metadata, spec } = template(options.labels ?? { app: name }, options) as { metadata: object; spec: object };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata, ...options.metadata }, spec };
}

/** A Service for the pods labelled `app: NAME`. */
export const service = (name: string, spec: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

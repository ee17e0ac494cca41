import type { KubernetesObject } from './meta.js';

/** metrics.k8s.io/v1beta1: what nodes and pods use, on average over `[timestamp - window, timestamp]`. */

/** `cpu` in cores, `memory` the working set in bytes; quantities. */
export interface ResourceUsage {
  cpu: string;
  memory: string;
}

interface Measured extends KubernetesObject {
  timestamp: string;
  /** In Go's notation: `15.5s`. */
  window: string;
}

export interface NodeMetrics extends Measured {
  usage: ResourceUsage;
}

export interface PodMetrics extends Measured {
  containers: ContainerMetrics[];
}

export interface ContainerMetrics {
  name: string;
  usage: ResourceUsage;
}

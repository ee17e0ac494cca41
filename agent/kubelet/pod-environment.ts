import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import type { Container, ContainerConfig, Sandbox, SandboxConfig } from '../runtime/runtime.js';

/** What a machine gives its pods beside containers: volumes, configuration, images, hooks. Simulated nodes have none. */
export interface PodEnvironment {
  /** Makes the pod's volumes ready. Throws a `VolumeError` with the kubelet's words. */
  prepare(pod: V1Pod): Promise<void>;
  /** Completes what the runtime is to be asked for. */
  sandbox(pod: V1Pod, config: SandboxConfig): Promise<SandboxConfig>;
  /** The image, pulled if it has to be, as the id that it is kept under. Throws a `RuntimeError`. */
  image(pod: V1Pod, spec: V1Container, sandbox: SandboxConfig, signal: AbortSignal): Promise<string>;
  /** Completes what the runtime is to be asked for. Throws a `RuntimeError`: CreateContainerConfigError. */
  container(request: ContainerRequest): Promise<ContainerConfig>;
  /** The postStart hook. Throws a `RuntimeError` (PostStartHookError): the container is to be killed. */
  postStart(pod: V1Pod, spec: V1Container, containerId: string, ips: readonly string[]): Promise<void>;
  /** The preStop hook, for no longer than the grace period. A failure is told as an event and does not matter. */
  preStop(request: PreStopRequest): Promise<void>;
  /** The API no longer has the pod and its containers are gone: what it had on the machine goes too. */
  release(podUid: string): Promise<void>;
  /** Uids of the pods that have anything on the machine. */
  known(): Promise<string[]>;
}

export interface ContainerRequest {
  pod: V1Pod;
  spec: V1Container;
  config: ContainerConfig;
  sandbox: Sandbox;
  /** The id of a running container of the pod. */
  runningContainer(name: string): string | undefined;
}

export interface PreStopRequest {
  pod: V1Pod;
  spec: V1Container;
  container: Container;
  ips: readonly string[];
  graceSeconds: number;
}

/** A volume cannot be made ready; the pod waits. `message` is what the FailedMount event says. */
export class VolumeError extends Error {
  readonly code = 'FailedMount';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VolumeError';
  }
}

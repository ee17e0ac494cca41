/**
 * The container runtime as the kubelet sees it: the part of CRI (runtime.v1) that it uses, in its own words. Calls are idempotent
 * where CRI's are: stopping what has stopped and removing what is gone succeeds.
 */
export interface Runtime {
  /** For node status: `containerd://1.7.0`. */
  readonly version: string;
  /** Creates and starts a pod's sandbox, network included. Resolves with its id. */
  runSandbox(config: SandboxConfig): Promise<string>;
  /** Ends the containers that still run and releases the network. */
  stopSandbox(sandboxId: string): Promise<void>;
  /** Removes a stopped sandbox with its containers. */
  removeSandbox(sandboxId: string): Promise<void>;
  listSandboxes(): Promise<Sandbox[]>;
  /** Resolves with the id under which the image is kept. Throws a `RuntimeError` when it cannot be had. */
  pullImage(image: string, sandbox: SandboxConfig): Promise<string>;
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** Asks the container to end and kills it after `graceSeconds`; resolves when it has ended. */
  stopContainer(containerId: string, graceSeconds: number): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  /** Of one sandbox, or of all. */
  listContainers(sandboxId?: string): Promise<Container[]>;
  /** What a container wrote, line by line. */
  logs(containerId: string, options: { follow: boolean }, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Calls `listener` with the pod uid whenever a sandbox or container of it changes by itself. Returns a function that ends this. */
  onChange(listener: (podUid: string) => void): () => void;
}

export interface SandboxConfig {
  podUid: string;
  namespace: string;
  name: string;
  /** How many sandboxes the pod has had before. */
  attempt: number;
  hostname: string;
  hostNetwork: boolean;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

export interface Sandbox {
  id: string;
  podUid: string;
  namespace: string;
  name: string;
  attempt: number;
  state: 'ready' | 'not-ready';
  createdAtMs: number;
  /** Empty with host networking. */
  ips: readonly string[];
}

export interface ContainerConfig {
  name: string;
  /** How many containers of this name the pod has had before: its restart count. */
  attempt: number;
  image: string;
  /** What `pullImage` resolved with. */
  imageId: string;
  command: readonly string[];
  args: readonly string[];
}

export interface Container {
  id: string;
  sandboxId: string;
  podUid: string;
  name: string;
  attempt: number;
  image: string;
  imageId: string;
  state: 'created' | 'running' | 'exited';
  createdAtMs: number;
  startedAtMs?: number;
  finishedAtMs?: number;
  exitCode?: number;
  /** `Completed`, `Error`, `OOMKilled`. */
  reason?: string;
  message?: string;
}

export interface LogLine {
  timeMs: number;
  text: string;
}

/** A runtime call failed; `code` is what the pod's status gives as the reason. */
export class RuntimeError extends Error {
  readonly code: 'ErrImagePull' | 'RunContainerError' | 'CreateContainerError' | 'CreatePodSandboxError';

  constructor(code: RuntimeError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeError';
    this.code = code;
  }
}

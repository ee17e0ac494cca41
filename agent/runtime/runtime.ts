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
  /** Of one pod, or of all. */
  listSandboxes(podUid?: string): Promise<Sandbox[]>;
  /** Resolves with the id under which the image is kept. Throws a `RuntimeError` when it cannot be had. */
  pullImage(image: string, sandbox: SandboxConfig, options?: PullOptions): Promise<string>;
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
  /** What only real sandboxes have. */
  real?: RealSandbox;
}

export interface PullOptions {
  /** Tried one after the other, before a pull without any. */
  credentials?: readonly RegistryCredential[];
  /** Ends the pull. */
  signal?: AbortSignal;
}

export interface RegistryCredential {
  username: string;
  password: string;
  identityToken?: string;
}

/** Whose namespace a process lives in. `target`: that of another container of the pod. */
export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface Namespaces {
  network: NamespaceMode;
  pid: NamespaceMode;
  ipc: NamespaceMode;
  /** Container id for `target`. */
  targetId?: string;
}

/** `unconfined`, `runtime/default` or `localhost/` and the path of a profile. */
export type SeccompProfile = string;

export interface RealSandbox {
  dns: { servers: readonly string[]; searches: readonly string[]; options: readonly string[] };
  portMappings: readonly { protocol: string; containerPort: number; hostPort: number; hostIp: string }[];
  /** Folder of the container logs. */
  logDirectory: string;
  cgroupParent: string;
  sysctls: Readonly<Record<string, string>>;
  namespaces: Namespaces;
  /** A container of the pod is privileged. */
  privileged: boolean;
  user: number | undefined;
  group: number | undefined;
  supplementalGroups: readonly number[];
  seccomp: SeccompProfile;
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
  /** What only real containers have. */
  real?: RealContainer;
}

export interface ContainerMount {
  containerPath: string;
  hostPath: string;
  readOnly: boolean;
  propagation: 'None' | 'HostToContainer' | 'Bidirectional';
}

/** Limits of the container's cgroup; undefined leaves one open. */
export interface ContainerResources {
  cpuShares: number;
  /** Microseconds of a period of 100 ms. */
  cpuQuota: number | undefined;
  memoryLimitBytes: number | undefined;
  oomScoreAdj: number;
}

export interface ContainerSecurity {
  user: number | undefined;
  userName: string;
  group: number | undefined;
  supplementalGroups: readonly number[];
  privileged: boolean;
  readOnlyRoot: boolean;
  noNewPrivileges: boolean;
  addCapabilities: readonly string[];
  dropCapabilities: readonly string[];
  seccomp: SeccompProfile;
  /** procMount Unmasked. */
  unmaskedProc: boolean;
  namespaces: Namespaces;
}

export interface RealContainer {
  environment: readonly { key: string; value: string }[];
  mounts: readonly ContainerMount[];
  workingDir: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  resources: ContainerResources;
  security: ContainerSecurity;
  /** Where its end finds its message: see `terminationMessage`. */
  terminationMessage: { hostPath: string; fallbackToLogs: boolean };
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
  /** The time as the runtime wrote it, where that is finer: RFC 3339 with nanoseconds. */
  time?: string;
  /** The line has no end: it goes on in the next. */
  isPartial?: boolean;
}

export type RuntimeErrorCode =
  | 'ErrImagePull'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'ImageInspectError'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'PostStartHookError'
  | 'CreatePodSandboxError';

/** A runtime call failed; `code` is what the pod's status gives as the reason. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeError';
    this.code = code;
  }
}

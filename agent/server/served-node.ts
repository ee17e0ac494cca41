import type { ContainerLogOptions } from '../../lib/api/log-options.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { UsageSource } from './usage-source.js';

/** A pod as a request names it. `uid` only where the request states one. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

/** What runs on the node, as the agent's server shows it. Nothing that is not a pod of this node is ever found. */
export interface ServedNode {
  /** The pods of this node, as the kubelet has them. */
  pods(): readonly V1Pod[];
  /** The id of the container that runs under that name, in the runtime. */
  findContainer(pod: PodName, container: string): Promise<string | undefined>;
  /** The id of the pod's sandbox that is ready. */
  findSandbox(pod: PodName): Promise<string | undefined>;
  /** Rejects with a ServedError when there is none. */
  logs(
    pod: PodName,
    container: string,
    options: ContainerLogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  /** What its pods use. Absent where the runtime has no numbers. */
  readonly usage?: UsageSource;
}

/** What a process in a container is connected to. */
export interface ContainerStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The runtime's streaming server: each call prepares one connection and resolves with its URL (CRI: Exec, Attach, PortForward). */
export interface StreamingRuntime {
  exec(containerId: string, command: readonly string[], streams: ContainerStreams): Promise<string>;
  attach(containerId: string, streams: ContainerStreams): Promise<string>;
  portForward(sandboxId: string): Promise<string>;
}

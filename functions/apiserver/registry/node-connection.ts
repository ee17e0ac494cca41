import type { Duplex } from 'node:stream';
import type { ContainerLogOptions } from '../../../lib/api/log-options.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';

/** How the API server reaches a node's kubelet: directly, or through a relay. */
export interface NodeConnection {
  /** The log of one container as its kubelet gives it. Rejects with an ApiError when there is none. */
  logs(pod: KubernetesObject, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Why there is no exec, attach, port-forward and proxy over this connection, for whoever asks; undefined where there is. */
  readonly whyNoStreams?: string;
  /** A connection to the HTTPS server of a node's kubelet, for one request of HTTP/1.1. Rejects with an ApiError, or a NoStreamsError. */
  dialKubelet?(node: string, signal: AbortSignal): Promise<Duplex>;
  /** What a node whose kubelet cannot be dialled uses, as its /stats/summary would have it; undefined: ask the kubelet. */
  statsSummary?(node: string): object | undefined;
  /** A TCP connection to a port of a pod, for webhooks and API servers that run in the cluster. Absent where pods cannot be reached. */
  dialPod?(pod: PodAddress, signal: AbortSignal): Promise<Duplex>;
}

/** There is no connection to this node, or into its pods, and never will be; the message says why. */
export class NoStreamsError extends Error {
  readonly code = 'no-streams';

  constructor(why: string) {
    super(why);
    this.name = 'NoStreamsError';
  }
}

export interface PodAddress {
  /** Name of the node the pod runs on; '' when it is not known. */
  readonly node: string;
  /** The pod's IP. */
  readonly host: string;
  readonly port: number;
}

/** Which log of a pod, and what of it. */
export interface LogOptions extends ContainerLogOptions {
  readonly container: string;
}

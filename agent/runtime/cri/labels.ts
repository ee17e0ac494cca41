import type { ContainerConfig, RealContainer, SandboxConfig } from '../runtime.js';

/** Whose containers they are: several agents may share a runtime, and each touches only its own. */
export interface Owner {
  /** Tells clusters apart: see `clusterId`. */
  cluster: string;
  node: string;
}

const CLUSTER = 'zeroplane.dev/cluster';
const NODE = 'zeroplane.dev/node';

/** The kubelet's own labels: crictl and log collectors go by them. */
const POD_NAME = 'io.kubernetes.pod.name';
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
const POD_UID = 'io.kubernetes.pod.uid';
const CONTAINER_NAME = 'io.kubernetes.container.name';

const IMAGE = 'zeroplane.dev/image';
const MESSAGE_FILE = 'zeroplane.dev/termination-message-file';
const MESSAGE_POLICY = 'io.kubernetes.container.terminationMessagePolicy';

/** What all sandboxes and containers of an agent carry. */
export function ownerLabels({ cluster, node }: Owner): Record<string, string> {
  return { [CLUSTER]: cluster, [NODE]: node };
}

export function sandboxLabels(config: SandboxConfig, owner: Owner): Record<string, string> {
  return {
    ...ownerLabels(owner),
    [POD_NAME]: config.name,
    [POD_NAMESPACE]: config.namespace,
    [POD_UID]: config.podUid,
  };
}

export function containerLabels(config: ContainerConfig, sandbox: SandboxConfig, owner: Owner): Record<string, string> {
  return { ...sandboxLabels(sandbox, owner), [CONTAINER_NAME]: config.name };
}

export function podUidOf(labels: Readonly<Record<string, string>>): string {
  return labels[POD_UID] ?? '';
}

export function podLabels(podUid: string): Record<string, string> {
  return { [POD_UID]: podUid };
}

/** What is needed to tell how a container ended, also by an agent that did not start it. */
export function terminationAnnotations(
  config: ContainerConfig,
  { hostPath, fallbackToLogs }: RealContainer['terminationMessage'],
): Record<string, string> {
  return {
    [IMAGE]: config.image,
    [MESSAGE_FILE]: hostPath,
    [MESSAGE_POLICY]: fallbackToLogs ? 'FallbackToLogsOnError' : 'File',
  };
}

/** The image as the pod names it. */
export function imageOf(annotations: Readonly<Record<string, string>>): string | undefined {
  return annotations[IMAGE];
}

export function terminationMessageOf(
  annotations: Readonly<Record<string, string>>,
): RealContainer['terminationMessage'] | undefined {
  const hostPath = annotations[MESSAGE_FILE];
  if (hostPath === undefined || hostPath === '') return undefined;
  return { hostPath, fallbackToLogs: annotations[MESSAGE_POLICY] === 'FallbackToLogsOnError' };
}

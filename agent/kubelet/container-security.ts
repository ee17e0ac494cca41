import type { V1Container, V1EphemeralContainer, V1Pod, V1SeccompProfile } from '../../lib/schema/generated/types.js';
import type { ContainerSecurity, Namespaces, SeccompProfile } from '../runtime/runtime.js';

/** The user that an image says its processes run as. */
export interface ImageUser {
  uid: number | undefined;
  name: string;
}

/** The namespaces that a pod's containers live in. */
export function podNamespaces(pod: V1Pod): Namespaces {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec ?? {};
  return {
    network: hostNetwork ? 'node' : 'pod',
    pid: hostPID ? 'node' : shareProcessNamespace ? 'pod' : 'container',
    ipc: hostIPC ? 'node' : 'pod',
  };
}

/** Whether any container of the pod is privileged. */
export function isPrivileged(pod: V1Pod): boolean {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers].some(
    ({ securityContext }) => securityContext?.privileged === true,
  );
}

export function podGroups(pod: V1Pod): number[] {
  const { supplementalGroups = [], fsGroup } = pod.spec?.securityContext ?? {};
  return [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])];
}

export function seccompOf(...profiles: (V1SeccompProfile | undefined)[]): SeccompProfile {
  const profile = profiles.find((one) => one !== undefined);
  switch (profile?.type) {
    case 'RuntimeDefault':
      return 'runtime/default';
    case 'Localhost':
      return `localhost/${profile.localhostProfile ?? ''}`;
    default:
      return 'unconfined';
  }
}

/** How a container is confined: its own security context, then the pod's, then the image's user. Throws when it must not be root and is. */
export function containerSecurity(options: {
  pod: V1Pod;
  spec: V1Container;
  image: ImageUser;
  targetId: string | undefined;
}): ContainerSecurity {
  const { pod, spec, image, targetId } = options;
  const own = spec.securityContext ?? {};
  const shared = pod.spec?.securityContext ?? {};
  const specified = own.runAsUser ?? shared.runAsUser;
  if (own.runAsNonRoot ?? shared.runAsNonRoot ?? false) refuseRoot(pod, spec, specified, image);
  const isPrivilegedContainer = own.privileged ?? false;
  const added = own.capabilities?.add ?? [];
  const isTargeted = (spec as V1EphemeralContainer).targetContainerName !== undefined && targetId !== undefined;
  return {
    user: specified ?? image.uid ?? (image.name === '' ? 0 : undefined),
    userName: specified === undefined && image.uid === undefined ? image.name : '',
    group: own.runAsGroup ?? shared.runAsGroup,
    supplementalGroups: podGroups(pod),
    privileged: isPrivilegedContainer,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false && !isPrivilegedContainer && !added.includes('SYS_ADMIN'),
    addCapabilities: added,
    dropCapabilities: own.capabilities?.drop ?? [],
    seccomp: isPrivilegedContainer ? 'unconfined' : seccompOf(own.seccompProfile, shared.seccompProfile),
    unmaskedProc: own.procMount === 'Unmasked',
    namespaces: isTargeted ? { ...podNamespaces(pod), pid: 'target', targetId } : podNamespaces(pod),
  };
}

/** The kubelet's verifyRunAsNonRoot, in its words. */
function refuseRoot(pod: V1Pod, spec: V1Container, specified: number | undefined, image: ImageUser): void {
  const { name, namespace, uid } = pod.metadata ?? {};
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${spec.name})`;
  if (specified === 0) {
    throw new Error(`container's runAsUser breaks non-root policy ${where}`);
  }
  if (specified !== undefined) return;
  if (image.uid === undefined && image.name !== '') {
    throw new Error(
      `container has runAsNonRoot and image has non-numeric user (${image.name}), cannot verify user is non-root ${where}`,
    );
  }
  if ((image.uid ?? 0) === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
}

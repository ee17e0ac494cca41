import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import type { Container, Sandbox } from '../runtime/runtime.js';

/** Why a container waits: `ContainerCreating`, `CrashLoopBackOff`, `ErrImagePull`. */
export interface Waiting {
  reason: string;
  message?: string;
}

/** What the kubelet knows of a pod on its node, from the runtime and from its own attempts. */
export interface PodState {
  /** The newest sandbox. */
  sandbox: Sandbox | undefined;
  /** Of the newest sandbox and earlier ones, newest attempt last. */
  containers: Map<string, Container[]>;
  /** By container name, for those that cannot start now. */
  waiting: Map<string, Waiting>;
  /** The pod will not run (again): `phase` Failed with this reason and message. */
  rejection?: { reason: string; message: string };
}

export function isSidecar(container: V1Container): boolean {
  return container.restartPolicy === 'Always';
}

/** The newest container of a name in the newest sandbox or, once that is gone, the last there was. */
export function newest(state: PodState, name: string): Container | undefined {
  return state.containers.get(name)?.at(-1);
}

export function shouldRestart(pod: V1Pod, container: Container): boolean {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && container.exitCode !== 0);
}

/**
 * How far the init containers are: the index of the first that is not done, or undefined when all are; `failed`: one will not be run
 * again. A sidecar is done when it has started.
 */
export function initProgress(
  pod: V1Pod,
  state: PodState,
  isStarted: (spec: V1Container, container: Container) => boolean = () => true,
): { next: number | undefined; failed: boolean } {
  const specs = pod.spec?.initContainers ?? [];
  const mainHasStarted = (pod.spec?.containers ?? []).some((spec) => newest(state, spec.name) !== undefined);
  if (mainHasStarted) return { next: undefined, failed: false };
  for (const [index, spec] of specs.entries()) {
    const container = newest(state, spec.name);
    if (isSidecar(spec)) {
      if (container?.state === 'running' && isStarted(spec, container)) continue;
      return { next: index, failed: false };
    }
    if (container?.state === 'exited' && container.exitCode === 0) continue;
    const failed = container?.state === 'exited' && pod.spec?.restartPolicy === 'Never';
    return { next: index, failed };
  }
  return { next: undefined, failed: false };
}

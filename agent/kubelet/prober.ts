import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import type { Container } from '../runtime/runtime.js';
import type { PodState } from './pod-state.js';

/** What the probes of a running container say. */
export interface Prober {
  /** The start-up probe has passed (or there is none). */
  isStarted(pod: V1Pod, spec: V1Container, container: Container): boolean;
  /** The readiness probe passes (or there is none). */
  isReady(pod: V1Pod, spec: V1Container, container: Container): boolean;
  /** The probe for whose failure the container is to be killed; undefined when all is well. */
  failedProbe?(container: Container): 'liveness' | 'startup' | undefined;
  /** Probes what runs of a pod from now on, and no longer what does not. */
  follow?(pod: V1Pod, state: PodState): void;
  /** Ends all probes of a pod. */
  forget?(podUid: string): void;
  /** Calls `listener` when what a probe says has changed. Returns a function that ends this. */
  onChange?(listener: (podUid: string) => void): () => void;
}

import type { V1Container, V1Pod } from '../../lib/schema/generated/types.js';
import type { Container } from '../runtime/runtime.js';

/** What the probes of a running container say. */
export interface Prober {
  /** The start-up probe has passed (or there is none). */
  isStarted(pod: V1Pod, spec: V1Container, container: Container): boolean;
  /** The readiness probe passes (or there is none). */
  isReady(pod: V1Pod, spec: V1Container, container: Container): boolean;
}

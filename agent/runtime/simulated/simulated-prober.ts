import type { V1Pod } from '../../../lib/schema/generated/types.js';
import type { Prober } from '../../kubelet/prober.js';
import { ANNOTATION_PREFIX } from './simulated-runtime.js';

/** Simulated containers are ready as soon as they run, unless the pod's annotation `ready` says `false`; it may change while they run. */
export const simulatedProber: Prober = {
  isStarted: () => true,
  isReady: (pod: V1Pod) => pod.metadata?.annotations?.[`${ANNOTATION_PREFIX}ready`] !== 'false',
};

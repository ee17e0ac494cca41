import { isApiError } from '../../lib/api/errors.js';
import { refOf, type Client } from '../../lib/client/client.js';
import { pods } from '../../lib/client/resources.js';
import type { V1Pod, V1PodStatus } from '../../lib/schema/generated/types.js';
import { asPatch } from './status-patch.js';

/** What a pod's worker tells the cluster. */
export interface PodApi {
  /** Resolves with the pod as it is then; undefined when it is gone, or another. */
  report(pod: V1Pod, status: V1PodStatus): Promise<V1Pod | undefined>;
  /** The pod has been deleted and all of it has ended: its object goes too. */
  finish(pod: V1Pod): Promise<void>;
}

/** Of pods that the API server has. */
export function podApi(client: Client): PodApi {
  return {
    async report(pod, status) {
      const patch = { metadata: { uid: pod.metadata?.uid }, status: asPatch(status) };
      try {
        return await client.patch(pods, refOf(pod), 'strategic', patch, { subresource: 'status' });
      } catch (error) {
        if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return undefined;
        throw error;
      }
    },
    async finish(pod) {
      try {
        const preconditions = { uid: pod.metadata?.uid ?? '' };
        await client.delete(pods, refOf(pod), { gracePeriodSeconds: 0, preconditions });
      } catch (error) {
        if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
      }
    },
  };
}

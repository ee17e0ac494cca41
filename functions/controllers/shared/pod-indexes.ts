import type { IndexFunction } from '../../../lib/client/replica.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';

/** Index of pods by the node they are bound to; '' for those that are bound to none. */
export const byNodeName: IndexFunction<V1Pod> = (pod) => [pod.spec?.nodeName ?? ''];

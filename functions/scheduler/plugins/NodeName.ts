import type { FilterPlugin } from '../framework.js';

/** spec.nodeName, when a pod that names its node reaches the scheduler all the same. */
export const NodeName: FilterPlugin = {
  name: 'NodeName',
  filter(pod, node) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted || wanted === node.name) return undefined;
    return { reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
  },
};

import type { FilterPlugin } from '../framework.js';
import { clashes } from '../pod-info.js';

/** Host ports that other pods of the node hold. */
export const NodePorts: FilterPlugin = {
  name: 'NodePorts',
  filter(pod, node) {
    if (pod.hostPorts.length === 0) return undefined;
    for (const other of node.pods.values()) {
      for (const held of other.hostPorts) {
        if (pod.hostPorts.some((wanted) => clashes(wanted, held))) {
          return { reasons: ["node(s) didn't have free ports for the requested pod ports"], unresolvable: false };
        }
      }
    }
    return undefined;
  },
};

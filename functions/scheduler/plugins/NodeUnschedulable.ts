import { toleratesTaint } from '../../../lib/scheduling/taints.js';
import type { FilterPlugin } from '../framework.js';

const UNSCHEDULABLE_TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** spec.unschedulable keeps pods off that do not tolerate the unschedulable taint. */
export const NodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  filter(pod, { node }) {
    if (node?.spec?.unschedulable !== true || toleratesTaint(pod.tolerations, UNSCHEDULABLE_TAINT)) return undefined;
    return { reasons: ['node(s) were unschedulable'], unresolvable: true };
  },
};

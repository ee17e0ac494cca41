import type { FilterPlugin, ScorePlugin } from '../framework.js';
import { NodeAffinity } from './NodeAffinity.js';
import { NodeName } from './NodeName.js';
import { NodePorts } from './NodePorts.js';
import { NodeResourcesFit } from './NodeResourcesFit.js';
import { NodeUnschedulable } from './NodeUnschedulable.js';
import { TaintToleration } from './TaintToleration.js';

/** In kube-scheduler's order: the first that refuses a node names the reason. */
export const filterPlugins: readonly FilterPlugin[] = [
  NodeUnschedulable,
  NodeName,
  TaintToleration,
  NodeAffinity,
  NodePorts,
  NodeResourcesFit,
];

export const scorePlugins: readonly ScorePlugin[] = [TaintToleration, NodeAffinity, NodeResourcesFit];

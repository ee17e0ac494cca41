import type { V1Node } from '../../../lib/schema/generated/types.js';
import type { AdmissionPlugin } from './plugin.js';
import { concerns } from './refusal.js';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A new node takes no pods until the node lifecycle controller has seen that it is ready and removes the taint. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  async mutate(attributes) {
    if (attributes.operation !== 'CREATE' || !concerns(attributes, 'nodes')) return;
    const node = attributes.object as V1Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return;
    node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
  },
};

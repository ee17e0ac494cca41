import { refOf } from '../../lib/client/client.js';
import type { IndexFunction } from '../../lib/client/replica.js';
import { nodes } from '../../lib/client/resources.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import { watch, type Controller } from '../../lib/work/controller.js';

/** All nodes are one key: ranges are given out one at a time, so that no two nodes get the same. */
const KEY = 'nodes';

/** Prefix length of a node's own range, unless the cluster's is longer. */
const NODE_BITS = 24;

/** Gives each node a free /24 of the cluster's pod range (IPv4) as spec.podCIDR, for good. */
export function nodeIpamController(podCidr: string): Controller {
  const [base = '', bits = '32'] = podCidr.split('/');
  const nodeBits = Math.max(NODE_BITS, Number(bits));
  const nodeSize = 2 ** (32 - nodeBits);
  const count = 2 ** (nodeBits - Number(bits));
  const first = Math.floor(toNumber(base) / (count * nodeSize)) * count * nodeSize;
  return {
    name: 'node-ipam',
    watches: [
      watch(nodes, ({ type, object }) => (type === 'deleted' || object.spec?.podCIDR === undefined ? [KEY] : [])),
    ],
    async reconcile(_key, { client, view, events }) {
      const all = await view(nodes);
      let index = 0;
      for (const node of all.by(rangeOf, NONE)) {
        if (node.metadata?.deletionTimestamp !== undefined) continue;
        let range: string | undefined;
        while (index < count && range === undefined) {
          const candidate = `${toAddress(first + index++ * nodeSize)}/${nodeBits}`;
          if (all.by(rangeOf, candidate).length === 0) range = candidate;
        }
        if (range === undefined) {
          await events.normal(node, 'CIDRNotAvailable', `Node ${node.metadata?.name} status is now: CIDRNotAvailable`);
          continue;
        }
        const { uid } = node.metadata ?? {};
        await client.patch(nodes, refOf(node), 'merge', {
          metadata: { uid },
          spec: { podCIDR: range, podCIDRs: [range] },
        });
      }
    },
  };
}

/** Stands for the nodes that have no range yet. */
const NONE = '';

const rangeOf: IndexFunction<V1Node> = (node) => [node.spec?.podCIDR ?? NONE];

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

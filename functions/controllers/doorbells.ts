import { nodes } from '../../lib/client/resources.js';
import type { Doorbell } from '../../lib/work/doorbell.js';
import { watch, type Controller } from '../../lib/work/controller.js';

/** Gives each node a doorbell when it registers, and takes it away with the node. Keys are nodes. */
export function doorbellController(doorbell: Doorbell): Controller {
  return {
    name: 'doorbell',
    watches: [watch(nodes, ({ type, object }) => (type === 'updated' ? [] : [object.metadata?.name ?? '']))],
    async reconcile(name, context) {
      const exists = (await context.view(nodes)).get(undefined, name) !== undefined;
      await (exists ? doorbell.add(name) : doorbell.remove(name));
    },
  };
}

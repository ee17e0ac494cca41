import { replicationControllers } from '../../../lib/client/resources.js';
import type { V1ReplicationController } from '../../../lib/schema/generated/types.js';
import { pickNamespace, pickWish, type Action } from './action.js';
import { podTemplate } from './template.js';

export const replicationControllerActions: readonly Action[] = [
  {
    name: 'create replication controller',
    weight: 2,
    run: async (user) => {
      const name = user.newName('old');
      await user.create(replicationControllers, {
        metadata: { namespace: pickNamespace(user), name },
        spec: {
          replicas: user.dice.between(1, 3),
          selector: { app: name },
          template: podTemplate({ app: name, version: 1 }),
        },
      });
    },
  },
  {
    name: 'scale replication controller',
    weight: 1,
    run: async (user) => {
      const wish = pickWish(user, replicationControllers);
      const replicas = user.dice.between(0, 4);
      if (wish !== undefined)
        await user.changeWish<V1ReplicationController>(wish, (spec) => void (spec.replicas = replicas));
    },
  },
  {
    name: 'delete replication controller',
    weight: 1,
    run: async (user) => {
      const wish = pickWish(user, replicationControllers);
      if (wish !== undefined) await user.delete(replicationControllers, wish, { propagationPolicy: 'Background' });
    },
  },
];

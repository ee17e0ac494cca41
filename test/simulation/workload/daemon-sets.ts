import { daemonSets } from '../../../lib/client/resources.js';
import type { V1DaemonSet } from '../../../lib/schema/generated/types.js';
import { pickNamespace, pickWish, type Action } from './action.js';
import { imageOf, podTemplate, POOLS } from './template.js';

export const daemonSetActions: readonly Action[] = [
  {
    name: 'create daemon set',
    weight: 2,
    run: async (user) => {
      const name = user.newName('agent');
      await user.create(daemonSets, {
        metadata: { namespace: pickNamespace(user), name },
        spec: {
          selector: { matchLabels: { app: name } },
          updateStrategy: {
            type: 'RollingUpdate',
            rollingUpdate: user.dice.pick([{ maxUnavailable: 2 }, { maxSurge: 1, maxUnavailable: 0 }]),
          },
          template: podTemplate({ app: name, version: 1, pool: POOLS.few }),
        },
      });
    },
  },
  {
    name: 'set image of daemon set',
    weight: 2,
    run: async (user) => {
      const wish = pickWish(user, daemonSets);
      const image = imageOf(user.dice.between(1, 4));
      if (wish === undefined) return;
      await user.changeWish<V1DaemonSet>(wish, ({ template }) =>
        template.spec?.containers.forEach((container) => (container.image = image)),
      );
    },
  },
  {
    name: 'delete daemon set',
    weight: 1,
    run: async (user) => {
      const wish = pickWish(user, daemonSets);
      if (wish !== undefined) await user.delete(daemonSets, wish, { propagationPolicy: 'Background' });
    },
  },
];

import { statefulSets } from '../../../lib/client/resources.js';
import type { V1StatefulSet } from '../../../lib/schema/generated/types.js';
import { pickNamespace, pickWish, type Action } from './action.js';
import { imageOf, podTemplate } from './template.js';
import type { User } from './user.js';

/** Each pod has a claim of its own, which goes with it. */
const CLAIMS = {
  persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ],
};

async function create(user: User): Promise<void> {
  const { dice } = user;
  const name = user.newName('db');
  const claims = dice.chance(0.4);
  await user.create(statefulSets, {
    metadata: { namespace: pickNamespace(user), name },
    spec: {
      replicas: dice.between(1, 4),
      serviceName: name,
      podManagementPolicy: dice.pick(['OrderedReady', 'Parallel']),
      selector: { matchLabels: { app: name } },
      template: podTemplate({ app: name, version: 1 }),
      ...(claims ? CLAIMS : {}),
    },
  });
}

async function change(user: User, edit: (spec: NonNullable<V1StatefulSet['spec']>) => void): Promise<void> {
  const wish = pickWish(user, statefulSets);
  if (wish !== undefined) await user.changeWish<V1StatefulSet>(wish, edit);
}

export const statefulSetActions: readonly Action[] = [
  { name: 'create stateful set', weight: 4, run: create },
  {
    name: 'scale stateful set',
    weight: 3,
    run: (user) => {
      const replicas = user.dice.between(0, 4);
      return change(user, (spec) => void (spec.replicas = replicas));
    },
  },
  {
    name: 'set image of stateful set',
    weight: 3,
    run: (user) => {
      const image = imageOf(user.dice.between(1, 4));
      return change(user, ({ template }) =>
        template.spec?.containers.forEach((container) => (container.image = image)),
      );
    },
  },
  {
    name: 'delete stateful set',
    weight: 2,
    run: async (user) => {
      const wish = pickWish(user, statefulSets);
      const propagationPolicy = user.dice.pick(['Background', 'Foreground'] as const);
      if (wish !== undefined) await user.delete(statefulSets, wish, { propagationPolicy });
    },
  },
];

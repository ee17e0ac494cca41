import { nodes, pods, priorityClasses } from '../../../lib/client/resources.js';
import type { V1Node } from '../../../lib/schema/generated/types.js';
import type { Action } from './action.js';
import { podTemplate, POOL_LABEL, POOLS } from './template.js';
import type { User } from './user.js';

const FEW = ['node-2', 'node-3', 'node-4', 'node-5'];
const TINY = ['node-1'];

/** Two thirds of a node: two of these do not fit on one. */
const LARGE_CPU = '20';
const IMPORTANT = 'important';

export async function labelNodes(user: User): Promise<void> {
  for (const [pool, names] of [
    [POOLS.few, FEW],
    [POOLS.tiny, TINY],
  ] as const) {
    for (const name of names) {
      await user.change<V1Node>(nodes, { name }, ({ metadata = {} }) => {
        metadata.labels = { ...metadata.labels, [POOL_LABEL]: pool };
      });
    }
  }
  await user.create(priorityClasses, { metadata: { name: IMPORTANT }, value: 1000 } as object);
}

async function changeNode(user: User, edit: (node: V1Node) => void): Promise<void> {
  await user.change(nodes, { name: `node-${user.dice.between(2, 12)}` }, edit);
}

/** A pod for the one node of its pool, where there is not room for many: the more important one stays. */
async function createLargePod(user: User): Promise<void> {
  const app = user.newName('large');
  const important = user.dice.chance(0.5);
  const template = podTemplate({
    app,
    version: 1,
    pool: POOLS.tiny,
    cpu: LARGE_CPU,
    ...(important ? { priorityClassName: IMPORTANT } : {}),
  });
  await user.create(pods, { metadata: { namespace: 'default', name: app, labels: { app } }, spec: template.spec });
  // It may be pushed out at any time.
  user.wishes.delete(`core/pods/default/${app}`);
}

export const nodeActions: readonly Action[] = [
  {
    name: 'cordon',
    weight: 2,
    run: (user) => changeNode(user, ({ spec = {} }) => void (spec.unschedulable = true)),
  },
  {
    name: 'drain',
    weight: 1,
    run: async (user) => {
      const name = `node-${user.dice.between(2, 12)}`;
      await user.change(nodes, { name }, ({ spec = {} }) => void (spec.unschedulable = true));
      for (const { metadata, spec } of await user.list(pods)) {
        if (spec?.nodeName === name)
          await user.evict(pods, { namespace: metadata?.namespace, name: metadata?.name ?? '' });
      }
    },
  },
  {
    name: 'taint',
    weight: 2,
    run: (user) => {
      const effect = user.dice.pick(['NoSchedule', 'NoExecute']);
      return changeNode(user, ({ spec = {} }) => {
        spec.taints = [...(spec.taints ?? []).filter(({ key }) => key !== 'repair'), { key: 'repair', effect }];
      });
    },
  },
  { name: 'create large pod', weight: 3, run: createLargePod },
];

/** After the storm all nodes take pods again. */
export async function openNodes(user: User): Promise<void> {
  for (const node of await user.list(nodes)) {
    const isOpen = node.spec?.unschedulable !== true && !(node.spec?.taints ?? []).some(({ key }) => key === 'repair');
    if (isOpen) continue;
    await user.change(nodes, { name: node.metadata?.name ?? '' }, ({ spec = {} }) => {
      delete spec.unschedulable;
      spec.taints = (spec.taints ?? []).filter(({ key }) => key !== 'repair');
    });
  }
}

import { deployments, replicaSets } from '../../../lib/client/resources.js';
import type { V1Deployment } from '../../../lib/schema/generated/types.js';
import { pickNamespace, pickWish, type Action } from './action.js';
import { imageOf, podTemplate } from './template.js';
import type { User } from './user.js';

async function create(user: User): Promise<void> {
  const { dice } = user;
  const name = user.newName('web');
  const strategy = dice.pick([
    { type: 'Recreate' },
    { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  ]);
  await user.create(deployments, {
    metadata: { namespace: pickNamespace(user), name },
    spec: {
      replicas: dice.between(1, 6),
      minReadySeconds: dice.pick([0, 0, 5]),
      revisionHistoryLimit: dice.pick([0, 1, 10]),
      strategy,
      selector: { matchLabels: { app: name } },
      template: podTemplate({ app: name, version: 1 }),
    },
  });
}

async function change(user: User, edit: (spec: NonNullable<V1Deployment['spec']>) => void): Promise<void> {
  const wish = pickWish(user, deployments);
  if (wish !== undefined) await user.changeWish<V1Deployment>(wish, edit);
}

async function remove(user: User): Promise<void> {
  const wish = pickWish(user, deployments);
  if (wish === undefined) return;
  const propagationPolicy = user.dice.pick(['Background', 'Foreground', 'Orphan'] as const);
  await user.delete(deployments, wish, { propagationPolicy });
  if (propagationPolicy !== 'Orphan') return;
  // What was left behind is taken up again under the same name and with the same selector, or tidied up, or left as it is.
  const next = user.dice.pick(['take up', 'tidy up', 'leave'] as const);
  if (next === 'take up') {
    const { namespace, name, spec } = wish;
    await user.create(deployments, { metadata: { namespace, name }, spec: spec as V1Deployment['spec'] });
    return;
  }
  for (const left of await user.list(replicaSets, wish.namespace)) {
    if (left.spec?.selector.matchLabels?.app !== wish.name || (left.spec.replicas ?? 1) === 0) continue;
    if (next === 'tidy up')
      await user.delete(replicaSets, { namespace: wish.namespace, name: left.metadata?.name ?? '' });
    else user.countOn(replicaSets, left);
  }
}

export const deploymentActions: readonly Action[] = [
  { name: 'create deployment', weight: 8, run: create },
  {
    name: 'scale deployment',
    weight: 6,
    run: (user) => {
      const replicas = user.dice.between(0, 8);
      return change(user, (spec) => void (spec.replicas = replicas));
    },
  },
  {
    name: 'set image of deployment',
    weight: 8,
    run: (user) => {
      const image = imageOf(user.dice.between(1, 4));
      return change(user, ({ template }) =>
        template.spec?.containers.forEach((container) => (container.image = image)),
      );
    },
  },
  {
    name: 'pause deployment',
    weight: 2,
    run: (user) => {
      const paused = user.dice.chance(0.5);
      return change(user, (spec) => void (spec.paused = paused));
    },
  },
  { name: 'delete deployment', weight: 4, run: remove },
];

/** A paused one may stay anywhere between two templates: nothing can be said of its pods. */
export async function resumeDeployments(user: User): Promise<void> {
  for (const wish of user.wishesFor(deployments)) {
    if ((wish.spec as V1Deployment['spec'])?.paused === true) {
      await user.changeWish<V1Deployment>(wish, (spec) => void (spec.paused = false));
    }
  }
}

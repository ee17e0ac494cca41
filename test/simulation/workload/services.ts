import { deployments, podDisruptionBudgets, pods, services, statefulSets } from '../../../lib/client/resources.js';
import type { V1Service } from '../../../lib/schema/generated/types.js';
import { pickWish, type Action } from './action.js';
import type { User } from './user.js';

const PORTS = [{ name: 'http', port: 80, targetPort: 8080 }];

/** A service, or a budget, is for the pods of some workload. */
function pickApp(user: User): { namespace: string; app: string } | undefined {
  const wish = pickWish(user, user.dice.chance(0.7) ? deployments : statefulSets);
  return wish?.namespace === undefined ? undefined : { namespace: wish.namespace, app: wish.name };
}

async function createService(user: User): Promise<void> {
  const target = pickApp(user);
  if (target === undefined) return;
  const { namespace, app } = target;
  const kind = user.dice.pick(['ClusterIP', 'NodePort', 'headless']);
  await user.create(services, {
    metadata: { namespace, name: user.newName('svc') },
    spec: {
      type: kind === 'headless' ? 'ClusterIP' : kind,
      ...(kind === 'headless' ? { clusterIP: 'None' } : {}),
      selector: { app },
      ports: PORTS,
    },
  });
}

async function changeType(user: User): Promise<void> {
  const wish = pickWish(user, services);
  if (wish === undefined || (wish.spec as V1Service['spec'])?.clusterIP === 'None') return;
  const type = user.dice.pick(['ClusterIP', 'NodePort']);
  await user.changeWish<V1Service>(wish, (spec) => {
    spec.type = type;
    // As `kubectl apply` of the smaller manifest would.
    if (type === 'ClusterIP') for (const port of spec.ports ?? []) delete port.nodePort;
  });
}

async function createBudget(user: User): Promise<void> {
  const target = pickApp(user);
  if (target === undefined) return;
  await user.create(podDisruptionBudgets, {
    metadata: { namespace: target.namespace, name: user.newName('pdb') },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: target.app } } },
  });
}

async function evictSome(user: User): Promise<void> {
  const all = await user.list(pods);
  if (all.length === 0) return;
  for (let count = user.dice.between(1, 3); count > 0; count--) {
    const { namespace, name = '' } = user.dice.pick(all).metadata ?? {};
    await user.evict(pods, { namespace, name });
  }
}

async function deletePods(user: User): Promise<void> {
  const all = await user.list(pods);
  if (all.length === 0) return;
  const { namespace, name = '' } = user.dice.pick(all).metadata ?? {};
  await user.delete(pods, { namespace, name }, user.dice.chance(0.3) ? { gracePeriodSeconds: 0 } : {});
}

export const serviceActions: readonly Action[] = [
  { name: 'create service', weight: 5, run: createService },
  { name: 'change type of service', weight: 2, run: changeType },
  {
    name: 'delete service',
    weight: 2,
    run: async (user) => {
      const wish = pickWish(user, services);
      if (wish !== undefined) await user.delete(services, wish);
    },
  },
  { name: 'create budget', weight: 2, run: createBudget },
  { name: 'evict pods', weight: 3, run: evictSome },
  { name: 'delete pod', weight: 3, run: deletePods },
];

import { cronJobs, deployments, endpointSlices, jobs, nodes, pods } from '../../lib/client/resources.js';
import { ClusterState } from './checkers/cluster-state.js';
import { hasEnded, isReady, nameOf } from './checkers/pods.js';
import { HEARTBEAT_MS, type Machine } from './machine.js';
import { podTemplate } from './workload/template.js';
import type { User } from './workload/user.js';
import type { World } from './world.js';

/** A lost node is noticed when its lease has run out, four heartbeats long; its pods may stay 10 s more, and then they are Ready elsewhere. */
const LOSS_MS = 4 * HEARTBEAT_MS + 20_000;

/** What is due at a time is done this much later at most. */
const DUE_MS = 5_000;

const NAMESPACE = 'default';
const BRIEF_JOB = 'brief';
const MINUTE_JOB = 'every-minute';
const TTL_SECONDS = 20;

/**
 * What a cluster in calm weather owes its users at a certain time, whether or not a resync comes by: a node that loses power is made
 * up for when its lease has run out, and a job that is to be started or removed at a time is, then.
 */
export async function findLateness(world: World, user: User): Promise<string[]> {
  const machine = await victim(world);
  const ends = { exitCode: 0, runMs: 100 };
  const brief = { version: 1, restartPolicy: 'Never', ends, notOn: machine?.name };
  await user.create(jobs, {
    metadata: { namespace: NAMESPACE, name: BRIEF_JOB },
    spec: {
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: podTemplate({ app: BRIEF_JOB, ...brief }),
    },
  });
  await user.create(cronJobs, {
    metadata: { namespace: NAMESPACE, name: MINUTE_JOB },
    spec: {
      schedule: '* * * * *',
      jobTemplate: {
        spec: {
          template: podTemplate({ app: MINUTE_JOB, ...brief }),
        },
      },
    },
  });
  world.trace.add('world', `${machine?.name ?? 'no machine'} loses power for good measure`);
  machine?.powerOff();
  await world.clock.advance(LOSS_MS);
  const problems = machine === undefined ? [] : lossProblems(await ClusterState.read(world, user), machine);
  await world.clock.advance(DUE_MS);
  const state = await ClusterState.read(world, user);
  if (state.find(jobs, NAMESPACE, BRIEF_JOB) !== undefined)
    problems.push(`Job ${BRIEF_JOB} has outlived its time to live`);
  if (!state.of(jobs).some(({ metadata }) => metadata?.name?.startsWith(MINUTE_JOB))) {
    problems.push(`CronJob ${MINUTE_JOB} has not started a job for a minute`);
  }
  user.wishes.delete(`batch/jobs/${NAMESPACE}/${BRIEF_JOB}`);
  await user.delete(cronJobs, { namespace: NAMESPACE, name: MINUTE_JOB });
  return problems;
}

/** A machine with pods that can run elsewhere. */
async function victim(world: World): Promise<Machine | undefined> {
  const { items } = await world.admin.list(pods);
  const movable = items.find(
    ({ metadata, spec }) =>
      metadata?.ownerReferences?.some(({ kind }) => kind === 'ReplicaSet') === true && spec?.nodeName !== undefined,
  );
  return world.machines.get(movable?.spec?.nodeName ?? 'node-50');
}

function lossProblems(state: ClusterState, { name }: Machine): string[] {
  const problems: string[] = [];
  const ready = state.find(nodes, undefined, name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready !== 'Unknown') problems.push(`Node ${name} has lost power and has Ready ${ready}`);
  const lost = state.of(pods).filter((pod) => pod.spec?.nodeName === name && !hasEnded(pod));
  problems.push(...lost.filter(isReady).map((pod) => `${nameOf(pod)} is Ready on a node without power`));
  const addresses = new Set(lost.map((pod) => pod.status?.podIP));
  for (const slice of state.of(endpointSlices)) {
    const dead = (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap((one) => one.addresses);
    if (dead.some((address) => addresses.has(address)))
      problems.push(`${nameOf(slice)} has a pod without power as ready`);
  }
  for (const deployment of state.of(deployments)) {
    const { spec, status } = deployment;
    const waitSeconds = spec?.minReadySeconds ?? 0;
    if (waitSeconds > 0 || status?.readyReplicas === spec?.replicas || spec?.replicas === 0) continue;
    problems.push(
      `${nameOf(deployment)} has ${status?.readyReplicas} of ${spec?.replicas} pods ready, long after a node was lost`,
    );
  }
  return problems;
}

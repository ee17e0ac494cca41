import { isApiError } from '../../lib/api/errors.js';
import type { Replicas } from '../../lib/client/replicas.js';
import { refOf } from '../../lib/client/client.js';
import { nodes, podDisruptionBudgets, pods } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext, type Outcome } from '../../lib/work/controller.js';
import { InFlight } from '../../lib/work/in-flight.js';
import { ClusterState, isPending, matters, SCHEDULER_NAME } from './cluster-state.js';
import { diagnose, type FitError } from './fit-error.js';
import type { NodeInfo } from './node-info.js';
import { misfit, NodeRanking, type Plugins } from './node-ranking.js';
import { filterPlugins, scorePlugins } from './plugins/index.js';
import { signatureOf, type PodInfo } from './pod-info.js';
import { planPreemption } from './preemption.js';

/** The scheduler's name among the controllers. */
export const SCHEDULER_CONTROLLER = 'scheduler';

/** Bindings under way at one time. */
const BINDINGS_MAX = 64;

/** A pod that did not fit is tried again after this, doubled up to the maximum, as in kube-scheduler; and only when something opened up. */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;

/** So long a pod waits for something to open up before it is tried all the same, as in kube-scheduler. */
const UNSCHEDULABLE_MAX_MS = 300_000;

/** All runs are for one key, so that no two place pods at once. */
const KEY = 'pending';

interface Attempt {
  /** `openings` of the cluster when the pod did not fit; undefined: it is tried again whatever happened. */
  openings: number | undefined;
  /** What was asked for: a pod that asks for something else now may fit. */
  signature: string;
  count: number;
  atMs: number;
  nextMs: number;
}

/** What one run shares between its pods. */
interface Run {
  context: ControllerContext;
  rankings: Map<string, NodeRanking>;
  failures: Map<string, FitError>;
  writes: InFlight;
  /** `openings` of the cluster when the run began: what opens up later calls for another run. */
  openings: number;
}

/**
 * The scheduler: takes all pending pods, most important first, finds the best node for each, assumes it there and binds in parallel. Its
 * memory (replicas, back-off) only saves work: a new process with none comes to the same decisions.
 */
export function createScheduler(
  replicas: Replicas,
  plugins: Plugins = { filters: filterPlugins, scores: scorePlugins },
): Controller & { close(): void } {
  const cluster = new ClusterState(replicas);
  const attempts = new Map<string, Attempt>();

  async function reconcile(_key: string, context: ControllerContext): Promise<Outcome> {
    await cluster.refresh();
    for (const uid of attempts.keys()) if (!cluster.pending.has(uid)) attempts.delete(uid);
    const now = context.clock.now();
    const run: Run = {
      context,
      rankings: new Map(),
      failures: new Map(),
      writes: new InFlight(BINDINGS_MAX),
      openings: cluster.openings,
    };
    for (const pod of [...cluster.pending.values()].sort(byQueueOrder)) {
      const attempt = attempts.get(pod.uid);
      if (attempt !== undefined && (attempt.nextMs > now || !mayFit(attempt, pod, now))) {
        holdNominatedRoom(pod);
        continue;
      }
      const node = findNode(run, pod);
      if (node === undefined) await failPod(run, pod);
      else {
        cluster.assume(pod, node);
        await run.writes.start(() => bind(run, pod, node));
      }
    }
    await run.writes.drain();
    return nextTry(context.clock.now());
  }

  /** Whether something has happened since the pod did not fit. */
  function mayFit(attempt: Attempt, pod: PodInfo, nowMs: number): boolean {
    return (
      attempt.openings !== cluster.openings ||
      attempt.signature !== signatureOf(pod) ||
      nowMs - attempt.atMs >= UNSCHEDULABLE_MAX_MS
    );
  }

  /** The room that the victims of a pod leave is not for pods that come after it. */
  function holdNominatedRoom(pod: PodInfo): void {
    const nominated = pod.pod.status?.nominatedNodeName;
    const room = nominated === undefined ? undefined : cluster.node(nominated);
    if (room !== undefined) cluster.assume(pod, room);
  }

  /** Pods that may fit wait only for their back-off; the others for a change, which brings its own run. */
  function nextTry(nowMs: number): Outcome {
    let dueMs = Infinity;
    for (const [uid, attempt] of attempts) {
      const pod = cluster.pending.get(uid);
      if (pod !== undefined && mayFit(attempt, pod, nowMs)) dueMs = Math.min(dueMs, attempt.nextMs);
    }
    return dueMs === Infinity ? undefined : { requeueAfterMs: Math.max(0, dueMs - nowMs) };
  }

  function findNode(run: Run, pod: PodInfo): NodeInfo | undefined {
    const nominated = pod.pod.status?.nominatedNodeName;
    const nominee = nominated === undefined ? undefined : cluster.node(nominated);
    if (nominee !== undefined && misfit(plugins, pod, nominee) === undefined) return nominee;
    const named = namedNodes(pod);
    if (named !== undefined) {
      const candidates = named.flatMap((name) => cluster.node(name) ?? []);
      return new NodeRanking({ plugins, nodes: candidates, random: run.context.random, podCount: 1 }).best(pod);
    }
    const signature = signatureOf(pod);
    let ranking = run.rankings.get(signature);
    if (ranking === undefined) {
      const podCount = cluster.pending.size;
      ranking = new NodeRanking({ plugins, nodes: cluster.nodes(), random: run.context.random, podCount });
      run.rankings.set(signature, ranking);
    }
    return ranking.best(pod);
  }

  async function bind(run: Run, pod: PodInfo, node: NodeInfo): Promise<void> {
    const ref = refOf(pod.pod);
    try {
      await run.context.client.createSubresource(pods, ref, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { ...ref, uid: pod.uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node.name },
      } as object);
    } catch (error) {
      // The next run sees what became of it: deleted, bound by another, or still pending.
      cluster.forget(pod.uid);
      backOff(run, pod, undefined);
      if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
      run.context.log('warn', 'binding failed', { pod: ref, node: node.name, error: String(error) });
      return;
    }
    attempts.delete(pod.uid);
    const name = `${ref.namespace}/${ref.name}`;
    await run.context.events.normal(pod.pod, 'Scheduled', `Successfully assigned ${name} to ${node.name}`);
  }

  function backOff(run: Run, pod: PodInfo, openings: Attempt['openings']): void {
    const count = (attempts.get(pod.uid)?.count ?? 0) + 1;
    const delayMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (count - 1));
    const atMs = run.context.clock.now();
    attempts.set(pod.uid, { openings, signature: signatureOf(pod), count, atMs, nextMs: atMs + delayMs });
  }

  /** A write for the pod has failed: nothing may happen by itself that brings it up again. */
  function tryAnyway(pod: PodInfo): void {
    const attempt = attempts.get(pod.uid);
    if (attempt !== undefined) attempt.openings = undefined;
  }

  async function failPod(run: Run, pod: PodInfo): Promise<void> {
    backOff(run, pod, run.openings);
    const signature = signatureOf(pod);
    let failure = run.failures.get(signature);
    if (failure === undefined) run.failures.set(signature, (failure = diagnose(plugins, pod, cluster.nodes())));
    const { message, nominatedNodeName } = await preempt(run, pod, failure);
    await run.writes.start(() => report(run, pod, message, nominatedNodeName));
  }

  async function preempt(
    run: Run,
    pod: PodInfo,
    failure: FitError,
  ): Promise<{ message: string; nominatedNodeName?: string | null }> {
    if (failure.nodeCount === 0) return { message: failure.message };
    const budgets = (await run.context.view(podDisruptionBudgets)).list();
    const plan = planPreemption(plugins, pod, failure, (name) => cluster.node(name), budgets);
    if ('message' in plan) {
      const message = `${failure.message} ${plan.message}`;
      const isWaiting = plan.message.includes('terminating pod');
      if (isWaiting) holdNominatedRoom(pod);
      // Elsewhere nothing is left to wait for: a room that is held for nobody would stay empty.
      return isWaiting || !pod.pod.status?.nominatedNodeName ? { message } : { message, nominatedNodeName: null };
    }
    const victims = new Set(plan.victims.map((victim) => victim.uid));
    for (const victim of plan.victims) await run.writes.start(() => evict(run, pod, victim, plan.node));
    cluster.assume(pod, plan.node);
    run.failures.clear();
    run.context.log('info', 'preempting', { pod: refOf(pod.pod), node: plan.node.name, victims: victims.size });
    return { message: failure.message, nominatedNodeName: plan.node.name };
  }

  async function evict(run: Run, pod: PodInfo, victim: PodInfo, node: NodeInfo): Promise<void> {
    const { client, clock, events } = run.context;
    const ref = refOf(victim.pod);
    try {
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: `${SCHEDULER_NAME}: preempting to accommodate a higher priority pod`,
        lastTransitionTime: formatTime(clock.now()),
      };
      await client.patch(pods, ref, 'strategic', { status: { conditions: [condition] } }, { subresource: 'status' });
      await client.delete(pods, ref, { preconditions: { uid: victim.uid } });
      await events.normal(victim.pod, 'Preempted', `Preempted by pod ${pod.uid} on node ${node.name}`);
    } catch (error) {
      if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
      tryAnyway(pod);
      run.context.log('warn', 'eviction for preemption failed', { pod: ref, error: String(error) });
    }
  }

  async function report(run: Run, pod: PodInfo, message: string, nominatedNodeName?: string | null): Promise<void> {
    const { client, clock, events } = run.context;
    const present = pod.pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    const isKnown = present?.status === 'False' && present.reason === 'Unschedulable' && present.message === message;
    if (isKnown && nominatedNodeName === undefined) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: present?.status === 'False' ? present.lastTransitionTime : formatTime(clock.now()),
    };
    const status = { conditions: [condition], ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) };
    try {
      await client.patch(pods, refOf(pod.pod), 'strategic', { status }, { subresource: 'status' });
      await events.warning(pod.pod, 'FailedScheduling', message);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) {
        tryAnyway(pod);
        run.context.log('warn', 'status of an unschedulable pod not written', {
          pod: refOf(pod.pod),
          error: String(error),
        });
      }
    }
  }

  return {
    name: SCHEDULER_CONTROLLER,
    watches: [
      watch(pods, (change) => (concerns(change.object) || wasCounted(change) ? [KEY] : [])),
      watch(nodes, ({ type, object, previous }) =>
        type === 'created' || previous === undefined || matters(previous, object) ? [KEY] : [],
      ),
    ],
    reconcile,
    close: () => cluster.close(),
  };
}

function concerns(pod: V1Pod): boolean {
  return isPending(pod);
}

/** A pod has left its node, and with it room. */
function wasCounted({ type, object, previous }: { type: string; object: V1Pod; previous?: V1Pod }): boolean {
  if (!object.spec?.nodeName) return false;
  const ended = (pod: V1Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return type === 'deleted' ? !ended(object) : ended(object) && previous !== undefined && !ended(previous);
}

/** Most important first, then the longer waiting. */
function byQueueOrder(one: PodInfo, other: PodInfo): number {
  if (one.priority !== other.priority) return other.priority - one.priority;
  const left = one.pod.metadata?.creationTimestamp ?? '';
  const right = other.pod.metadata?.creationTimestamp ?? '';
  if (left !== right) return left < right ? -1 : 1;
  return Number(one.pod.metadata?.resourceVersion) - Number(other.pod.metadata?.resourceVersion);
}

/** The only nodes that required node affinity names outright, as a daemon set's pods do; undefined when it does not. */
function namedNodes(pod: PodInfo): string[] | undefined {
  const terms = pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const field = term.matchFields?.find((one) => one.key === 'metadata.name' && one.operator === 'In');
    if (field === undefined) return undefined;
    for (const name of field.values ?? []) names.add(name);
  }
  return [...names];
}

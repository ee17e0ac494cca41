import type { NodeMetrics, PodMetrics, ResourceUsage } from '../../../lib/api/resource-metrics.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import type { V1Node, V1Pod } from '../../../lib/schema/generated/types.js';
import type { ComputedObjects } from '../registry/computed.js';
import type { Registry } from '../registry/context.js';
import type { Attributes } from '../registry/objects.js';
import { KUBELET_WINDOW_MS } from './limits.js';
import { NodeStats } from './node-stats.js';
import type { Measurement } from './stats-summary.js';

const NODES = { group: '', plural: 'nodes' };
const PODS = { group: '', plural: 'pods' };
const API_VERSION = 'metrics.k8s.io/v1beta1';

type Stored<T> = T & KubernetesObject;

/** metrics.k8s.io, as metrics-server serves it: what has no numbers yet is left out. */
export function resourceMetrics(clock: Clock): Readonly<Record<'nodes' | 'pods', ComputedObjects>> {
  const stats = new NodeStats(clock);
  return {
    nodes: {
      async get(registry, _namespace, name) {
        const node = await registry.objects.get<Stored<V1Node>>(NODES, '', name);
        return node === undefined ? undefined : (await metricsOfNodes(registry, stats, [node]))[0];
      },
      async list(registry, _namespace, isWanted) {
        const all = await registry.objects.list<Stored<V1Node>>(NODES);
        return metricsOfNodes(registry, stats, all.filter(wanted(isWanted)));
      },
    },
    pods: {
      async get(registry, namespace, name) {
        const pod = await registry.objects.get<Stored<V1Pod>>(PODS, namespace, name);
        return pod === undefined ? undefined : (await metricsOfPods(registry, stats, [pod]))[0];
      },
      async list(registry, namespace, isWanted) {
        const all = await registry.objects.list<Stored<V1Pod>>(PODS, namespace === '' ? undefined : namespace);
        return metricsOfPods(registry, stats, all.filter(wanted(isWanted)));
      },
    },
  };
}

function wanted(isWanted: (attributes: Attributes) => boolean): (object: KubernetesObject) => boolean {
  return ({ metadata }) =>
    isWanted({
      namespace: metadata?.namespace ?? '',
      name: metadata?.name ?? '',
      labels: metadata?.labels ?? {},
      fields: {},
    });
}

async function metricsOfNodes(registry: Registry, stats: NodeStats, nodes: Stored<V1Node>[]): Promise<NodeMetrics[]> {
  // Of a node that is away there is nothing to hear, and waiting for it would delay the others.
  const present = nodes.filter(({ status }) => isReady(status?.conditions));
  const summaries = await stats.of(registry, present.map(nameOf));
  return present.flatMap((node) => {
    const summary = summaries.get(nameOf(node));
    const usage = summary && usageOf(summary.node);
    if (summary === undefined || usage === undefined) return [];
    return [{ ...head('NodeMetrics', node, registry), ...interval([summary.node]), usage }];
  });
}

async function metricsOfPods(registry: Registry, stats: NodeStats, pods: Stored<V1Pod>[]): Promise<PodMetrics[]> {
  const running = pods.filter(({ spec, status }) => status?.phase === 'Running' && (spec?.nodeName ?? '') !== '');
  const summaries = await stats.of(
    registry,
    running.map(({ spec }) => spec?.nodeName ?? ''),
  );
  const measured = new Map([...summaries.values()].flatMap(({ pods: all }) => [...all]));
  return running.flatMap((pod) => {
    const parts = measured.get(pod.metadata?.uid ?? '') ?? [];
    const containers = parts.flatMap((one) => {
      const usage = usageOf(one);
      return usage === undefined ? [] : [{ name: one.name, usage }];
    });
    // Half of a pod's use would be taken for all of it.
    if (containers.length === 0 || containers.length < parts.length) return [];
    return [{ ...head('PodMetrics', pod, registry), ...interval(parts), containers }];
  });
}

function nameOf({ metadata }: KubernetesObject): string {
  return metadata?.name ?? '';
}

function isReady(conditions: readonly { type: string; status: string }[] | undefined): boolean {
  return conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function head(kind: string, { metadata }: KubernetesObject, { clock }: Registry): KubernetesObject {
  const { name, namespace, labels } = metadata ?? {};
  return {
    kind,
    apiVersion: API_VERSION,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: formatTime(clock.now()),
      ...(labels === undefined ? {} : { labels }),
    },
  };
}

/** In the units in which metrics-server writes them. */
function usageOf({ nanoCores, workingSetBytes }: Measurement): ResourceUsage | undefined {
  if (nanoCores === undefined || workingSetBytes === undefined) return undefined;
  return {
    cpu: nanoCores === 0 ? '0' : `${Math.round(nanoCores)}n`,
    memory: workingSetBytes === 0 ? '0' : `${Math.ceil(workingSetBytes / 1024)}Ki`,
  };
}

/** What was measured together ends with the earliest of its ends, and is as long as the longest. */
function interval(parts: readonly Measurement[]): { timestamp: string; window: string } {
  const windowMs = Math.max(...parts.map((one) => one.windowMs ?? KUBELET_WINDOW_MS));
  return {
    timestamp: formatTime(Math.min(...parts.map(({ timeMs }) => timeMs))),
    window: `${windowMs / 1000}s`,
  };
}

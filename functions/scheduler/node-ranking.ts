import { randomInt, type Random } from '../../lib/random.js';
import { SCORE_MAX, type FilterPlugin, type Misfit, type ScorePlugin } from './framework.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';

export interface Plugins {
  filters: readonly FilterPlugin[];
  scores: readonly ScorePlugin[];
}

export interface RankingOptions {
  plugins: Plugins;
  nodes: readonly NodeInfo[];
  random: Random;
  /** How many pods of the signature want a place. */
  podCount: number;
}

/** Fewer nodes than this are all looked at. */
const SAMPLE_MIN = 100;

/** So many pods of one signature are worth a look at every node. */
const ALL_NODES_PODS = 16;

/** kube-scheduler's adaptive share: half of the nodes, less the more there are, and never under 5 %. */
function fittingNodesWanted(nodeCount: number, podCount: number): number {
  if (nodeCount <= SAMPLE_MIN || podCount >= ALL_NODES_PODS) return nodeCount;
  const percent = Math.max(5, 50 - Math.floor(nodeCount / 125));
  return Math.max(SAMPLE_MIN, Math.floor((nodeCount * percent) / 100));
}

interface Entry {
  node: NodeInfo;
  fixedScore: number;
  score: number;
  /** Random, so that equally good nodes take turns. */
  tie: number;
  generation: number;
}

/** Why the first refusing filter refuses the node; undefined when the pod fits. */
export function misfit(plugins: Plugins, pod: PodInfo, node: NodeInfo): Misfit | undefined {
  for (const plugin of plugins.filters) {
    const found = plugin.filter(pod, node);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The nodes for pods of one signature, best first. Every node is looked at once; then a heap gives the best for pod after pod. That
 * is exact, because placing pods elsewhere only ever makes a node worse: an entry whose node has changed is looked at again when it comes
 * to the top, and nowhere else. For few pods on many nodes it looks only until enough fit, beginning elsewhere each time, and goes on when
 * those are used up.
 */
export class NodeRanking {
  readonly #options: RankingOptions;
  readonly #plugins: Plugins;
  readonly #start: number;
  #scanned = 0;
  #heap: Entry[] = [];

  constructor(options: RankingOptions) {
    this.#options = options;
    this.#plugins = options.plugins;
    this.#start = options.nodes.length === 0 ? 0 : randomInt(options.random, options.nodes.length);
  }

  /** The best node that still fits; undefined when none does. */
  best(pod: PodInfo): NodeInfo | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) {
        if (this.#scanned === this.#options.nodes.length) return undefined;
        this.#scan(pod);
        continue;
      }
      if (top.generation === top.node.generation) return top.node;
      if (misfit(this.#plugins, pod, top.node) === undefined) {
        top.generation = top.node.generation;
        top.score = top.fixedScore + this.#usageScore(pod, top.node);
      } else {
        const last = this.#heap.pop() as Entry;
        if (last === top) continue;
        this.#heap[0] = last;
      }
      this.#sink(0);
    }
  }

  /** Looks at further nodes until enough fit. */
  #scan(pod: PodInfo): void {
    const { nodes, random } = this.#options;
    const wanted = fittingNodesWanted(nodes.length, this.#options.podCount);
    const fitting: NodeInfo[] = [];
    while (this.#scanned < nodes.length && fitting.length < wanted) {
      const node = nodes[(this.#start + this.#scanned++) % nodes.length] as NodeInfo;
      if (misfit(this.#plugins, pod, node) === undefined) fitting.push(node);
    }
    const fixed = fixedScores(this.#plugins, pod, fitting);
    this.#heap = fitting.map((node, index) => {
      const fixedScore = fixed[index] ?? 0;
      const score = fixedScore + this.#usageScore(pod, node);
      return { node, fixedScore, score, tie: randomInt(random, TIES), generation: node.generation };
    });
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }

  /** Not rounded, as kube-scheduler would: on large nodes small pods would make no difference, and all go to the same one. */
  #usageScore(pod: PodInfo, node: NodeInfo): number {
    let score = 0;
    for (const plugin of this.#plugins.scores) {
      if (plugin.kind === 'usage') score += plugin.weight * plugin.score(pod, node);
    }
    return score;
  }

  #sink(start: number): void {
    const heap = this.#heap;
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let best = index;
      if (left < heap.length && isBetter(heap[left] as Entry, heap[best] as Entry)) best = left;
      if (right < heap.length && isBetter(heap[right] as Entry, heap[best] as Entry)) best = right;
      if (best === index) return;
      [heap[index], heap[best]] = [heap[best] as Entry, heap[index] as Entry];
      index = best;
    }
  }
}

const TIES = 1 << 30;

function isBetter(one: Entry, other: Entry): boolean {
  return one.score > other.score || (one.score === other.score && one.tie > other.tie);
}

/** The weighted scores of the static plugins, each normalised to SCORE_MAX over the nodes as kube-scheduler's DefaultNormalizeScore does. */
function fixedScores(plugins: Plugins, pod: PodInfo, nodes: readonly NodeInfo[]): number[] {
  const totals = nodes.map(() => 0);
  for (const plugin of plugins.scores) {
    if (plugin.kind !== 'static') continue;
    const raw = nodes.map((node) => plugin.score(pod, node));
    const highest = raw.reduce((most, score) => Math.max(most, score), 0);
    for (const [index, score] of raw.entries()) {
      const share = highest === 0 ? 0 : Math.floor((SCORE_MAX * score) / highest);
      totals[index] = (totals[index] ?? 0) + plugin.weight * (plugin.reverse === true ? SCORE_MAX - share : share);
    }
  }
  return totals;
}

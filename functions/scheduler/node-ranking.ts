import { randomInt, type Random } from '../../lib/random.js';
import { SCORE_MAX, type FilterPlugin, type Misfit, type ScorePlugin } from './framework.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';

export interface Plugins {
  filters: readonly FilterPlugin[];
  scores: readonly ScorePlugin[];
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
 * to the top, and nowhere else.
 */
export class NodeRanking {
  readonly #plugins: Plugins;
  readonly #heap: Entry[] = [];

  constructor(options: { plugins: Plugins; pod: PodInfo; nodes: readonly NodeInfo[]; random: Random }) {
    this.#plugins = options.plugins;
    const fitting = options.nodes.filter((node) => misfit(options.plugins, options.pod, node) === undefined);
    const fixed = fixedScores(options.plugins, options.pod, fitting);
    for (const [index, node] of fitting.entries()) {
      const fixedScore = fixed[index] ?? 0;
      this.#heap.push({
        node,
        fixedScore,
        score: fixedScore + this.#usageScore(options.pod, node),
        tie: randomInt(options.random, TIES),
        generation: node.generation,
      });
    }
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }

  /** The best node that still fits; undefined when none does. */
  best(pod: PodInfo): NodeInfo | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
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

  #usageScore(pod: PodInfo, node: NodeInfo): number {
    let score = 0;
    for (const plugin of this.#plugins.scores) {
      if (plugin.kind === 'usage') score += plugin.weight * Math.floor(plugin.score(pod, node));
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

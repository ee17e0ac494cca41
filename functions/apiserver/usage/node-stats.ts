import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { serviceUnavailable } from '../../../lib/api/errors.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { Registry } from '../registry/context.js';
import type { NodeConnection } from '../registry/node-connection.js';
import { KEPT_MS, NODE_TIMEOUT_MS, NODES_AT_A_TIME, SUMMARY_MAX_BYTES } from './limits.js';
import { readSummary, type StatsSummary } from './stats-summary.js';

const PATH = '/stats/summary?only_cpu_and_memory=true';

/** What nodes say that they use, asked over the node connection and kept for a moment. */
export class NodeStats {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { atMs: number; answer: Promise<StatsSummary | undefined> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Of those that answer in time. Throws 503 where no node can be asked. */
  async of(registry: Registry, nodes: readonly string[]): Promise<Map<string, StatsSummary>> {
    const { nodeConnection } = registry;
    if (nodeConnection?.dialKubelet === undefined && nodeConnection?.statsSummary === undefined) {
      const why = nodeConnection?.whyNoStreams ?? 'this API server has no connection to nodes';
      throw serviceUnavailable(`what nodes and pods use is not known: ${why}`);
    }
    this.#forget();
    const found = new Map<string, StatsSummary>();
    const pending = [...new Set(nodes)];
    const work = async (): Promise<void> => {
      for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
        const summary = await this.#keep(registry, nodeConnection, node);
        if (summary !== undefined) found.set(node, summary);
      }
    };
    await Promise.all(Array.from({ length: Math.min(NODES_AT_A_TIME, pending.length) }, work));
    return found;
  }

  #keep(registry: Registry, connection: NodeConnection, node: string): Promise<StatsSummary | undefined> {
    const known = this.#kept.get(node);
    if (known !== undefined) return known.answer;
    const answer = this.#ask(connection, node).catch((error: unknown) => {
      registry.log.warn({ node, error: String(error) }, 'a node did not say what it uses');
      return undefined;
    });
    this.#kept.set(node, { atMs: this.#clock.now(), answer });
    return answer;
  }

  async #ask(connection: NodeConnection, node: string): Promise<StatsSummary> {
    const told = connection.statsSummary?.(node);
    if (told !== undefined) return readSummary(told);
    if (connection.dialKubelet === undefined) throw new Error('there is no way to it');
    const late = new AbortController();
    const cancel = this.#clock.setTimer(NODE_TIMEOUT_MS, () => late.abort());
    try {
      const socket = await connection.dialKubelet(node, late.signal);
      return readSummary(JSON.parse(await get(socket, node, late.signal)));
    } finally {
      cancel();
    }
  }

  #forget(): void {
    const oldestMs = this.#clock.now() - KEPT_MS;
    for (const [node, { atMs }] of this.#kept) if (atMs <= oldestMs) this.#kept.delete(node);
  }
}

async function get(socket: Duplex, host: string, signal: AbortSignal): Promise<string> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host, connection: 'close' };
    const request = http.request({ createConnection: () => socket, path: PATH, headers, signal });
    request.on('error', reject);
    request.on('response', resolve);
    request.end();
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > SUMMARY_MAX_BYTES) throw new Error(`it answers with more than ${SUMMARY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode}: ${text.slice(0, 200)}`);
  return text;
}

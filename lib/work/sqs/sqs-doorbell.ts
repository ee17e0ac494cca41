import { createHash } from 'node:crypto';
import { clusterNames, DOORBELL_NODE_TAG } from '../../aws/function-environment.js';
import { sleep, type Clock } from '../../clock/clock.js';
import type { Doorbell, DoorbellListener } from '../doorbell.js';
import { RingPace } from '../ring-pace.js';
import {
  DOORBELL_MISSING_RETRY_MS,
  LONG_POLL_SECONDS,
  QUEUE_NAME_MAX_CHARACTERS,
  RING_RETENTION_SECONDS,
} from './limits.js';
import { isSqsError, type IncomingMessage, type Sqs } from './sqs.js';

/** A ring that was received is deleted at once; after a crash in between it may be heard again. */
const VISIBILITY_SECONDS = 5;

const ATTRIBUTES = {
  MessageRetentionPeriod: String(RING_RETENTION_SECONDS),
  ReceiveMessageWaitTimeSeconds: String(LONG_POLL_SECONDS),
  VisibilityTimeout: String(VISIBILITY_SECONDS),
  SqsManagedSseEnabled: 'true',
};

export interface SqsDoorbellOptions {
  sqs: Sqs;
  clock: Clock;
  cluster: string;
}

/** The name of a node's queue. Permissions are given by its beginning. */
export function doorbellQueueName(cluster: string, node: string): string {
  const prefix = clusterNames(cluster).doorbellPrefix;
  const plain = node.replaceAll('.', '-');
  const hash = createHash('sha256').update(node).digest('hex').slice(0, 16);
  return `${prefix}${plain.slice(0, QUEUE_NAME_MAX_CHARACTERS - prefix.length - hash.length - 1)}-${hash}`;
}

/** The doorbell on SQS: a standard queue for each node, which its agent polls. */
export class SqsDoorbell implements Doorbell {
  readonly #options: SqsDoorbellOptions;
  readonly #pace: RingPace;
  readonly #urls = new Map<string, string>();

  constructor(options: SqsDoorbellOptions) {
    this.#options = options;
    this.#pace = new RingPace(options.clock);
  }

  async add(node: string): Promise<void> {
    if (this.#urls.has(node)) return;
    const tags = { [DOORBELL_NODE_TAG]: node };
    this.#urls.set(node, await this.#options.sqs.createQueue(this.#name(node), ATTRIBUTES, tags));
  }

  async remove(node: string): Promise<void> {
    this.#urls.delete(node);
    this.#pace.forget(node);
    await this.#options.sqs.deleteQueue(this.#name(node));
  }

  async ring(node: string, collections: readonly string[]): Promise<void> {
    const ring = this.#pace.next(node, collections);
    if (ring === undefined) return;
    const { sqs } = this.#options;
    try {
      const url = this.#urls.get(node) ?? (await sqs.queueUrl(this.#name(node)));
      if (url === undefined) return;
      this.#urls.set(node, url);
      const body = JSON.stringify({ collections: ring.collections });
      const { refused } = await sqs.send(url, [{ body, delaySeconds: Math.ceil(ring.delayMs / 1_000) }]);
      if (refused.length > 0) this.#pace.forget(node);
    } catch (error) {
      this.#urls.delete(node);
      this.#pace.forget(node);
      if (!isSqsError(error, 'no-queue')) throw error;
    }
  }

  #name(node: string): string {
    return doorbellQueueName(this.#options.cluster, node);
  }
}

/**
 * An agent's long poll on its node's queue. Where there is none yet, it looks again a little later; once the queue is there, anything may have
 * changed meanwhile.
 */
export class SqsDoorbellListener implements DoorbellListener {
  readonly #options: SqsDoorbellOptions & { node: string };
  #url: string | undefined;
  #wasMissing = false;

  constructor(options: SqsDoorbellOptions & { node: string }) {
    this.#options = options;
  }

  async wait(signal: AbortSignal): Promise<readonly string[] | 'any' | undefined> {
    const { sqs, clock, cluster, node } = this.#options;
    try {
      this.#url ??= await sqs.queueUrl(doorbellQueueName(cluster, node));
      if (this.#url === undefined) this.#wasMissing = true;
      else if (this.#wasMissing) {
        this.#wasMissing = false;
        return 'any';
      } else {
        const rings = await sqs.receive(this.#url, { waitSeconds: LONG_POLL_SECONDS, signal });
        await sqs.delete(this.#url, rings);
        return heard(rings);
      }
    } catch (error) {
      if (isSqsError(error, 'no-queue')) {
        this.#url = undefined;
        this.#wasMissing = true;
      }
    }
    await sleep(clock, DOORBELL_MISSING_RETRY_MS, signal);
    return undefined;
  }
}

function heard(rings: readonly IncomingMessage[]): readonly string[] | 'any' | undefined {
  if (rings.length === 0) return undefined;
  const all = new Set<string>();
  for (const { body } of rings) {
    const collections = collectionsOf(body);
    if (collections.length === 0) return 'any';
    for (const collection of collections) all.add(collection);
  }
  return [...all];
}

/** What cannot be made out is a ring all the same. */
function collectionsOf(body: string): readonly string[] {
  try {
    const { collections } = JSON.parse(body) as { collections?: unknown };
    return Array.isArray(collections) ? collections.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

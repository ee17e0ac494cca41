import { sleep, type Clock } from '../../lib/clock/clock.js';
import { randomFraction, randomInt, type Random } from '../../lib/random.js';
import {
  BATCH_MESSAGES_MAX,
  DELAY_MAX_SECONDS,
  MESSAGE_MAX_BYTES,
  NAME_MAX_CHARACTERS,
  QUEUE_NAME_MAX_CHARACTERS,
} from '../../lib/work/sqs/limits.js';
import { SqsError, type IncomingMessage, type OutgoingMessage, type Sqs } from '../../lib/work/sqs/sqs.js';

const DEDUPLICATION_MS = 300_000;
const VISIBILITY_DEFAULT_SECONDS = 30;

export interface QueueOptions {
  visibilitySeconds?: number;
  /** Receives before a message goes to the queue of that name. */
  deadLetters?: { queue: string; receivesMax: number };
}

/** How often, from 0 to 1, a message meets what. */
export interface MessageFaults {
  random: Random;
  /** It is taken and never seen again. */
  lost: number;
  /** It is delivered again after it was deleted. */
  doubled: number;
  /** It is delivered up to `lateMaxMs` later. */
  late: number;
  lateMaxMs: number;
  /** The request fails, perhaps after the messages were taken. */
  unavailable: number;
}

interface Stored {
  id: string;
  body: string;
  group: string | undefined;
  visibleAtMs: number;
  receives: number;
  receipt: string;
}

interface Queue {
  name: string;
  options: QueueOptions;
  messages: Stored[];
  /** Deduplication ids, and until when they are remembered. */
  recent: Map<string, number>;
  waiting: Set<() => void>;
}

/** SQS in this process, as far as the adapters use it, on any clock. */
export class SqsDouble implements Sqs {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();
  #sequence = 0;
  faults: MessageFaults | undefined;
  /** Of queues that were made by name. */
  readonly tags = new Map<string, Readonly<Record<string, string>>>();
  /** Requests since the beginning, by operation: what SQS bills. */
  readonly requests: Record<string, number> = {};
  /** The same by `OPERATION QUEUE`. */
  readonly requestsByQueue: Record<string, number> = {};

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Makes a queue and returns its URL. */
  addQueue(name: string, options: QueueOptions = {}): string {
    if (!/^[\w-]+(\.fifo)?$/.test(name) || name.length > QUEUE_NAME_MAX_CHARACTERS)
      throw new SqsError('refused', `InvalidParameterValue: queue name ${name}`);
    const url = urlOf(name);
    if (!this.#queues.has(url))
      this.#queues.set(url, { name, options, messages: [], recent: new Map(), waiting: new Set() });
    return url;
  }

  names(): string[] {
    return [...this.#queues.values()].map(({ name }) => name);
  }

  /** What is in a queue, hidden messages too. */
  bodies(queueUrl: string): string[] {
    return this.#queue(queueUrl).messages.map(({ body }) => body);
  }

  async send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<{ refused: OutgoingMessage[] }> {
    this.#count('send', queueUrl);
    const queue = this.#queue(queueUrl);
    check(queue, messages);
    const failure = this.#happens('unavailable');
    if (failure && this.#happens('unavailable')) throw new SqsError('unavailable', 'no answer');
    for (const message of messages) this.#take(queue, message);
    wake(queue);
    if (failure) throw new SqsError('unavailable', 'the answer was lost');
    return { refused: [] };
  }

  async receive(
    queueUrl: string,
    options: { waitSeconds: number; visibilitySeconds?: number; signal?: AbortSignal },
  ): Promise<IncomingMessage[]> {
    this.#count('receive', queueUrl);
    const endMs = this.#clock.now() + options.waitSeconds * 1_000;
    for (;;) {
      const queue = this.#queue(queueUrl);
      const found = this.#deliverable(queue, options.visibilitySeconds);
      if (found.length > 0 || options.signal?.aborted === true || this.#clock.now() >= endMs) return found;
      const next = Math.min(endMs, ...queue.messages.map(({ visibleAtMs }) => visibleAtMs));
      await this.#rest(queue, Math.max(1, next - this.#clock.now()), options.signal);
    }
  }

  async delete(queueUrl: string, messages: readonly IncomingMessage[]): Promise<void> {
    // As the SDK's adapter: nothing to delete is no request.
    if (messages.length === 0) return;
    this.#count('delete', queueUrl);
    const queue = this.#queue(queueUrl);
    for (const { receipt } of messages) {
      const index = queue.messages.findIndex((one) => one.receipt === receipt);
      if (index < 0) continue;
      const message = queue.messages[index] as Stored;
      if (this.#happens('doubled')) message.visibleAtMs = this.#clock.now();
      else queue.messages.splice(index, 1);
    }
    wake(queue);
  }

  async createQueue(
    name: string,
    attributes: Readonly<Record<string, string>>,
    tags: Readonly<Record<string, string>>,
  ): Promise<string> {
    this.#count('createQueue');
    const visibility = attributes['VisibilityTimeout'];
    if (!this.#queues.has(urlOf(name))) this.tags.set(name, tags);
    return this.addQueue(name, visibility === undefined ? {} : { visibilitySeconds: Number(visibility) });
  }

  async deleteQueue(name: string): Promise<void> {
    this.#count('deleteQueue');
    const queue = this.#queues.get(urlOf(name));
    this.#queues.delete(urlOf(name));
    if (queue !== undefined) wake(queue);
  }

  async queueUrl(name: string): Promise<string | undefined> {
    this.#count('queueUrl');
    return this.#queues.has(urlOf(name)) ? urlOf(name) : undefined;
  }

  #queue(queueUrl: string): Queue {
    const queue = this.#queues.get(queueUrl);
    if (queue === undefined) throw new SqsError('no-queue', `QueueDoesNotExist: ${queueUrl}`);
    return queue;
  }

  #take(queue: Queue, message: OutgoingMessage): void {
    const now = this.#clock.now();
    const { deduplicationId } = message;
    if (deduplicationId !== undefined) {
      if ((queue.recent.get(deduplicationId) ?? 0) > now) return;
      queue.recent.set(deduplicationId, now + DEDUPLICATION_MS);
    }
    if (this.#happens('lost')) return;
    const lateMs = this.#happens('late')
      ? randomInt((this.faults as MessageFaults).random, this.faults?.lateMaxMs ?? 1)
      : 0;
    this.#sequence++;
    queue.messages.push({
      id: `message-${this.#sequence}`,
      body: message.body,
      group: message.group,
      visibleAtMs: now + (message.delaySeconds ?? 0) * 1_000 + lateMs,
      receives: 0,
      receipt: '',
    });
  }

  #deliverable(queue: Queue, visibilitySeconds: number | undefined): IncomingMessage[] {
    const now = this.#clock.now();
    const hiddenMs = (visibilitySeconds ?? queue.options.visibilitySeconds ?? VISIBILITY_DEFAULT_SECONDS) * 1_000;
    const blocked = new Set<string>();
    for (const { group, receives, visibleAtMs } of queue.messages)
      if (group !== undefined && receives > 0 && visibleAtMs > now) blocked.add(group);
    const found: IncomingMessage[] = [];
    for (const message of queue.messages.slice()) {
      if (found.length === BATCH_MESSAGES_MAX) break;
      const { group } = message;
      if (group !== undefined && blocked.has(group)) continue;
      if (message.visibleAtMs > now) {
        if (group !== undefined) blocked.add(group);
        continue;
      }
      const dead = queue.options.deadLetters;
      if (dead !== undefined && message.receives >= dead.receivesMax) {
        queue.messages.splice(queue.messages.indexOf(message), 1);
        const letters = this.#queue(urlOf(dead.queue));
        letters.messages.push({ ...message, receives: 0, visibleAtMs: now });
        wake(letters);
        continue;
      }
      message.receives++;
      message.visibleAtMs = now + hiddenMs;
      message.receipt = `receipt-${++this.#sequence}`;
      found.push({ id: message.id, receipt: message.receipt, body: message.body });
    }
    return found;
  }

  async #rest(queue: Queue, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    const stop = (): void => woken.abort();
    queue.waiting.add(stop);
    signal?.addEventListener('abort', stop, { once: true });
    await sleep(this.#clock, delayMs, woken.signal);
    queue.waiting.delete(stop);
    signal?.removeEventListener('abort', stop);
  }

  #happens(fault: 'lost' | 'doubled' | 'late' | 'unavailable'): boolean {
    const { faults } = this;
    return faults !== undefined && faults[fault] > 0 && randomFraction(faults.random) < faults[fault];
  }

  #count(operation: string, queueUrl?: string): void {
    this.requests[operation] = (this.requests[operation] ?? 0) + 1;
    if (queueUrl === undefined) return;
    const name = `${operation} ${queueUrl.slice(queueUrl.lastIndexOf('/') + 1)}`;
    this.requestsByQueue[name] = (this.requestsByQueue[name] ?? 0) + 1;
  }
}

function urlOf(name: string): string {
  return `https://sqs.test/000000000000/${name}`;
}

function wake(queue: Queue): void {
  for (const resolve of queue.waiting) resolve();
}

/** What SQS would refuse. */
function check(queue: Queue, messages: readonly OutgoingMessage[]): void {
  const refuse = (why: string): never => {
    throw new SqsError('refused', `InvalidParameterValue: ${why}`);
  };
  if (messages.length === 0 || messages.length > BATCH_MESSAGES_MAX) refuse(`${messages.length} messages`);
  const size = messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
  if (size > MESSAGE_MAX_BYTES) refuse(`${size} bytes`);
  const isFifo = queue.name.endsWith('.fifo');
  for (const { group, deduplicationId, delaySeconds } of messages) {
    if (isFifo && (group === undefined || deduplicationId === undefined)) refuse('a FIFO queue needs group and id');
    if (isFifo && delaySeconds !== undefined) refuse('a FIFO queue knows no delay of a message');
    if (!isFifo && group !== undefined) refuse('a standard queue knows no groups');
    for (const name of [group, deduplicationId])
      if (name !== undefined && (!/^[!-~]+$/.test(name) || name.length > NAME_MAX_CHARACTERS)) refuse(`name ${name}`);
    if (
      delaySeconds !== undefined &&
      (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > DELAY_MAX_SECONDS)
    )
      refuse(`a delay of ${delaySeconds} s`);
  }
}

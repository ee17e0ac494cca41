import type { Clock } from '../clock/clock.js';
import {
  DEDUPLICATION_WINDOW_MS,
  DELAY_MAX_MS,
  groupOf,
  standsFor,
  type BatchHandler,
  type WorkMessage,
  type WorkQueue,
} from './work-queue.js';

export interface MemoryWorkQueueOptions {
  clock: Clock;
  handler: BatchHandler;
  /** Groups handled at the same time. */
  concurrency: number;
  /** Called with a message that was received RECEIVES_MAX times without success. */
  onDeadLetter: (message: WorkMessage) => void;
}

/** Receives before a message goes to the dead letters, as a redrive policy's maxReceiveCount. */
export const RECEIVES_MAX = 5;

/** How long a failed message stays invisible before it is received again. */
export const VISIBILITY_MS = 1000;

interface Queued {
  message: WorkMessage;
  receives: number;
}

/** The work queue within one process. It keeps SQS's deduplication and batch limits, so that what they break shows here. */
export class MemoryWorkQueue implements WorkQueue {
  readonly #options: MemoryWorkQueueOptions;
  /** The waiting message of each group: one stands for all, since a reconcile looks at the present, not at the message. */
  readonly #groups = new Map<string, Queued>();
  readonly #ready = new Set<string>();
  readonly #busy = new Set<string>();
  readonly #delayed = new Map<string, { dueMs: number; cancel: () => void }>();
  readonly #hidden = new Set<() => void>();
  /** Ids of the present and the previous window; an id is remembered for at least one window and at most two. */
  #recentIds = new Set<string>();
  #olderIds = new Set<string>();
  #windowStartMs: number;
  #idleWaiters: (() => void)[] = [];
  #closed = false;

  constructor(options: MemoryWorkQueueOptions) {
    this.#options = options;
    this.#windowStartMs = options.clock.now();
  }

  send(messages: readonly WorkMessage[]): Promise<void> {
    for (const message of messages) {
      if (!this.#isRepeat(message.deduplicationId)) this.#enqueue({ message, receives: 0 });
    }
    this.#pump();
    return Promise.resolve();
  }

  sendDelayed(message: WorkMessage, delayMs: number): Promise<void> {
    if (delayMs > DELAY_MAX_MS)
      throw new RangeError(`a delay of ${delayMs} ms is above the queue's ${DELAY_MAX_MS} ms`);
    if (this.#closed) return Promise.resolve();
    const group = groupOf(message);
    // One that is delayed several times is due when the last of them is over.
    const dueMs = message.dueMs ?? this.#options.clock.now() + delayMs;
    const waiting = this.#delayed.get(group);
    if (waiting !== undefined) {
      if (waiting.dueMs <= dueMs) return Promise.resolve();
      waiting.cancel();
    }
    const cancel = this.#options.clock.setTimer(delayMs, () => {
      this.#delayed.delete(group);
      this.#enqueue({ message, receives: 0 });
      this.#pump();
    });
    this.#delayed.set(group, { dueMs, cancel });
    return Promise.resolve();
  }

  /** Nothing is queued or being handled (delayed messages do not count). */
  get idle(): boolean {
    return this.#groups.size === 0 && this.#busy.size === 0;
  }

  /** Messages that wait for their time: a leak check for simulations. */
  get delayedCount(): number {
    return this.#delayed.size;
  }

  /** Stops delivering; resolves when what is being handled is done. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    for (const cancel of this.#hidden) cancel();
    this.#delayed.clear();
    this.#hidden.clear();
    this.#groups.clear();
    this.#ready.clear();
    if (this.#busy.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #isRepeat(id: string): boolean {
    const now = this.#options.clock.now();
    if (now - this.#windowStartMs >= DEDUPLICATION_WINDOW_MS) {
      this.#olderIds = now - this.#windowStartMs >= 2 * DEDUPLICATION_WINDOW_MS ? new Set() : this.#recentIds;
      this.#recentIds = new Set();
      this.#windowStartMs = now;
    }
    if (this.#recentIds.has(id) || this.#olderIds.has(id)) return true;
    this.#recentIds.add(id);
    return false;
  }

  #enqueue(queued: Queued): void {
    if (this.#closed) return;
    const group = groupOf(queued.message);
    const waiting = this.#groups.get(group);
    if (waiting === undefined || standsFor(queued.message, waiting.message)) this.#groups.set(group, queued);
    if (!this.#busy.has(group)) this.#ready.add(group);
  }

  #pump(): void {
    for (const group of this.#ready) {
      if (this.#busy.size >= this.#options.concurrency) return;
      this.#ready.delete(group);
      const queued = this.#groups.get(group);
      if (queued === undefined) continue;
      this.#groups.delete(group);
      this.#busy.add(group);
      void this.#handle(group, queued);
    }
  }

  async #handle(group: string, queued: Queued): Promise<void> {
    let isDone: boolean;
    try {
      isDone = (await this.#options.handler([queued.message])).failed.length === 0;
    } catch {
      isDone = false;
    }
    this.#busy.delete(group);
    if (!isDone) this.#redeliver(queued);
    if (this.#groups.has(group)) this.#ready.add(group);
    if (this.#busy.size === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    this.#pump();
  }

  #redeliver(queued: Queued): void {
    if (this.#closed) return;
    const receives = queued.receives + 1;
    if (receives >= RECEIVES_MAX) return this.#options.onDeadLetter(queued.message);
    const cancel = this.#options.clock.setTimer(VISIBILITY_MS, () => {
      this.#hidden.delete(cancel);
      this.#enqueue({ message: queued.message, receives });
      this.#pump();
    });
    this.#hidden.add(cancel);
  }
}

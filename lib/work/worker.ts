import type { Controller, ControllerContext } from './controller.js';
import { DELAY_MAX_MS, standsFor, type BatchHandler, type WorkMessage, type WorkQueue } from './work-queue.js';

/** Back-off of a failing key: doubled from the first to the last of these. */
export const BACKOFF_MIN_MS = 100;
export const BACKOFF_MAX_MS = 300_000;

/** Failures in a row after which a key is given up until something changes or the resync comes by. */
export const ATTEMPTS_MAX = 12;

export interface WorkerOptions {
  controllers: readonly Controller[];
  context: (controller: Controller) => ControllerContext;
  queue: WorkQueue;
  /** Told of every outcome: the one place for logs and metrics of reconciles. */
  observe?: (outcome: { controller: string; key: string; durationMs: number; error?: unknown }) => void;
  /** What is done around the handling of each key: to mark what it logs. */
  around?: (message: WorkMessage, handle: () => Promise<void>) => Promise<void>;
  /** A key has failed ATTEMPTS_MAX times. */
  onGiveUp: (message: WorkMessage, error: unknown) => Promise<void>;
}

/**
 * Turns messages into reconciles and outcomes into replies: the keys of a batch are handled side by side, repeats of one are one reconcile, an
 * error is a delayed retry with back-off, `requeueAfterMs` a delayed message.
 */
export function createWorker(options: WorkerOptions): BatchHandler {
  const controllers = new Map(options.controllers.map((controller) => [controller.name, controller]));

  async function handleKey(message: WorkMessage): Promise<void> {
    const controller = controllers.get(message.controller);
    if (controller === undefined) throw new Error(`no controller is named ${message.controller}`);
    const context = options.context(controller);
    const startMs = context.clock.now();
    if (message.dueMs !== undefined && message.dueMs > startMs) return sendAt(message, message.dueMs, startMs);
    try {
      const outcome = await controller.reconcile(message.key, context);
      const nowMs = context.clock.now();
      options.observe?.({ controller: message.controller, key: message.key, durationMs: nowMs - startMs });
      if (outcome !== undefined) await sendAt({ ...message, attempt: 0 }, nowMs + outcome.requeueAfterMs, nowMs);
    } catch (error) {
      const nowMs = context.clock.now();
      options.observe?.({ controller: message.controller, key: message.key, durationMs: nowMs - startMs, error });
      const attempt = message.attempt + 1;
      if (attempt >= ATTEMPTS_MAX) return options.onGiveUp(message, error);
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (attempt - 1));
      await sendAt({ ...message, attempt }, nowMs + backoffMs, nowMs);
    }
  }

  /** The id comes from the due time, so that several reconciles that ask for the same moment ask once. */
  function sendAt(message: WorkMessage, dueMs: number, nowMs: number): Promise<void> {
    const { controller, key, attempt } = message;
    const next: WorkMessage = { controller, key, attempt, deduplicationId: `${controller}/${key}@${dueMs}` };
    const delayMs = Math.max(0, dueMs - nowMs);
    return delayMs <= DELAY_MAX_MS
      ? options.queue.sendDelayed(next, delayMs)
      : options.queue.sendDelayed({ ...next, dueMs }, DELAY_MAX_MS);
  }

  return async (messages) => {
    const byKey = new Map<string, WorkMessage[]>();
    for (const message of messages) {
      const id = `${message.controller}/${message.key}`;
      byKey.set(id, [...(byKey.get(id) ?? []), message]);
    }
    const failed: WorkMessage[] = [];
    const handleRepeats = async (repeats: WorkMessage[]): Promise<void> => {
      const first = repeats.reduce((best, one) => (standsFor(one, best) ? one : best));
      try {
        await (options.around === undefined ? handleKey(first) : options.around(first, () => handleKey(first)));
      } catch {
        failed.push(...repeats);
      }
    };
    await Promise.all([...byKey.values()].map(handleRepeats));
    return { failed };
  };
}

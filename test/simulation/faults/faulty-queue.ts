import type { Clock } from '../../../lib/clock/clock.js';
import type { WorkMessage, WorkQueue } from '../../../lib/work/work-queue.js';
import type { Dice } from '../dice.js';
import type { MessageFaults } from '../plan.js';
import type { Weather } from './weather.js';

const DELAY_MAX_MS = 30_000;

/** A queue that loses messages, delivers them twice, or late and so out of order. */
export class FaultyQueue implements WorkQueue {
  readonly #inner: WorkQueue;
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #faults: MessageFaults;
  readonly #waiting = new Set<() => void>();
  #copies = 0;

  constructor(inner: WorkQueue, options: { clock: Clock; dice: Dice; weather: Weather; faults: MessageFaults }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#dice = options.dice;
    this.#weather = options.weather;
    this.#faults = options.faults;
  }

  send(messages: readonly WorkMessage[]): Promise<void> {
    if (!this.#weather.isStormy) return this.#inner.send(messages);
    const now: WorkMessage[] = [];
    for (const message of messages) {
      if (this.#dice.chance(this.#faults.lost)) continue;
      if (this.#dice.chance(this.#faults.delayed)) this.#later(message);
      else now.push(message);
      if (this.#dice.chance(this.#faults.doubled)) {
        this.#later({ ...message, deduplicationId: `${message.deduplicationId}#${this.#copies++}` });
      }
    }
    return this.#inner.send(now);
  }

  sendDelayed(message: WorkMessage, delayMs: number): Promise<void> {
    if (this.#weather.isStormy && this.#dice.chance(this.#faults.lost)) return Promise.resolve();
    return this.#inner.sendDelayed(message, delayMs);
  }

  /** Forgets what is late. */
  close(): void {
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  #later(message: WorkMessage): void {
    const cancel = this.#clock.setTimer(this.#dice.between(1, DELAY_MAX_MS), () => {
      this.#waiting.delete(cancel);
      void this.#inner.send([message]);
    });
    this.#waiting.add(cancel);
  }
}

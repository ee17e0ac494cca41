/** Runs many asynchronous steps with at most `limit` under way. Steps must not reject. */
export class InFlight {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts `step`; resolves as soon as there is room for another. */
  async start(step: () => Promise<void>): Promise<void> {
    const running: Promise<void> = step().finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
  }

  /** Resolves when all that was started has ended. */
  async drain(): Promise<void> {
    await Promise.all(this.#running);
  }
}

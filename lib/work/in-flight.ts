/** Runs many asynchronous steps with at most `limit` under way. A step that rejects makes the next `start` or `drain` reject. */
export class InFlight {
  readonly #limit: number;
  #running = 0;
  #waiting: (() => void)[] = [];
  #failure: { error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts `step`; resolves as soon as there is room for another. */
  async start(step: () => Promise<void>): Promise<void> {
    this.#running++;
    void this.#run(step);
    while (this.#running >= this.#limit) await this.#oneEnds();
    this.#assertNoFailure();
  }

  /** Resolves when all that was started has ended. */
  async drain(): Promise<void> {
    while (this.#running > 0) await this.#oneEnds();
    this.#assertNoFailure();
  }

  async #run(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#running--;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #oneEnds(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #assertNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

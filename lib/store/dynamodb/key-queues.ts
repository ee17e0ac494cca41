/**
 * Lets those that name a common key run one after the other, in the order they came; others run at the same time. Within one process
 * this spares writers of one object the conflicts, and the revisions, that meeting in the table would cost them.
 */
export class KeyQueues {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.flatMap((key) => this.#last.get(key) ?? []);
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    for (const key of keys) this.#last.set(key, finished);
    try {
      if (before.length > 0) await Promise.all(before);
      return await work();
    } finally {
      for (const key of keys) if (this.#last.get(key) === finished) this.#last.delete(key);
      finish();
    }
  }
}

import type { Quantity } from '../../../lib/api/quantity.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import { addInto, filterAmounts, isNegative, readAmounts, writeAmounts } from '../../../lib/quota/amounts.js';
import { LAST_CHARGE_ANNOTATION } from '../../../lib/quota/last-charge.js';
import type { V1ResourceQuota } from '../../../lib/schema/generated/types.js';
import { isStoreError } from '../../../lib/store/errors.js';
import { WRITE_OPERATIONS_MAX, type Store, type StoredObject } from '../../../lib/store/store.js';
import { encodeObject } from '../registry/encode.js';
import { cloneJson } from '../registry/json-values.js';
import { parseStored } from '../registry/objects.js';

export const QUOTAS = { group: '', plural: 'resourcequotas', collection: 'core/resourcequotas' };

/** Rounds against other API servers until the caller is told to try again later. */
const CONFLICTS_MAX = 1_000;

/** One quota while a batch is worked out. */
export class QuotaPage {
  readonly quota: V1ResourceQuota;
  readonly used: Map<string, Quantity>;
  isChanged = false;

  constructor(quota: V1ResourceQuota) {
    this.quota = quota;
    this.used = readAmounts(quota.status?.used);
  }

  /** Adds (or with negative amounts takes away); what is not counted is left alone, and nothing falls below none. */
  add(amounts: ReadonlyMap<string, Quantity>): void {
    const counted = filterAmounts(amounts, (name) => this.used.has(name));
    if (counted.size === 0) return;
    addInto(this.used, counted);
    for (const name of counted.keys()) {
      const amount = this.used.get(name);
      if (amount !== undefined && isNegative(amount)) this.used.set(name, { ...amount, mantissa: 0n, text: undefined });
    }
    this.isChanged = true;
  }
}

/** Looks at the quotas of a namespace and changes what is used, or throws. May be called again with newer quotas. */
export type QuotaEntry = (pages: readonly QuotaPage[]) => void;

interface Waiting {
  readonly entry: QuotaEntry;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Changes what is used of quotas, exactly under concurrency: all that wait for one namespace are worked out together, one after the
 * other, and written by one compare-and-swap of all quotas concerned. So writers of one process never fight, and those of several do
 * so once per batch. A write is refused only by quotas whose state it was judged by at that moment.
 */
export class QuotaBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Resolves once what the entry changed is stored. Throws what the entry throws, or a `StoreError`. */
  enter(namespace: string, entry: QuotaEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(namespace);
      if (waiting !== undefined) {
        waiting.push({ entry, resolve, reject });
        return;
      }
      this.#waiting.set(namespace, [{ entry, resolve, reject }]);
      void this.#work(namespace);
    });
  }

  async #work(namespace: string): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(namespace) ?? [];
      if (batch.length === 0) {
        this.#waiting.delete(namespace);
        return;
      }
      this.#waiting.set(namespace, []);
      try {
        await this.#settle(namespace, batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #settle(namespace: string, batch: readonly Waiting[]): Promise<void> {
    for (let round = 1; ; round++) {
      const { items } = await this.#store.list(QUOTAS.collection, { prefix: `${namespace}/` });
      const pages = items.map((stored) => ({
        stored,
        page: new QuotaPage(parseStored(stored.body) as V1ResourceQuota),
      }));
      const refused = new Map<Waiting, unknown>();
      for (const waiting of batch) {
        try {
          waiting.entry(pages.map(({ page }) => page));
        } catch (error) {
          refused.set(waiting, error);
        }
      }
      try {
        await this.#write(pages.filter(({ page }) => page.isChanged));
      } catch (error) {
        if (!isStoreError(error, 'conflict') || round === CONFLICTS_MAX) throw error;
        continue;
      }
      for (const waiting of batch) {
        if (refused.has(waiting)) waiting.reject(refused.get(waiting));
        else waiting.resolve();
      }
      return;
    }
  }

  async #write(changed: readonly { stored: StoredObject; page: QuotaPage }[]): Promise<void> {
    const now = formatTime(this.#clock.now());
    for (let start = 0; start < changed.length; start += WRITE_OPERATIONS_MAX) {
      const operations = changed.slice(start, start + WRITE_OPERATIONS_MAX).map(({ stored, page }) => {
        const quota = cloneJson(page.quota);
        const annotations = { ...quota.metadata?.annotations, [LAST_CHARGE_ANNOTATION]: now };
        quota.metadata = { ...quota.metadata, annotations };
        quota.status = { ...quota.status, used: writeAmounts(page.used) };
        return { key: stored.key, expect: stored.revision, body: encodeObject(quota).body, keepsPolicy: true };
      });
      await this.#store.write(QUOTAS.collection, operations);
    }
  }
}

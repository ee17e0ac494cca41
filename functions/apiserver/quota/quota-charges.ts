import { forbiddenError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Quantity } from '../../../lib/api/quantity.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { negated } from '../../../lib/quota/amounts.js';
import { meterOf } from '../../../lib/quota/usage.js';
import type { V1ResourceQuota } from '../../../lib/schema/generated/types.js';
import type { Store } from '../../../lib/store/store.js';
import type { ChargedWrite, PolicyReader, Reserved, WriteCharges } from '../admission/plugin.js';
import { QuotaBook, QUOTAS, type QuotaPage } from './quota-book.js';
import { charge, exceeded, release, unmeasurable, usageChange, type MeteredWrite } from './quota-check.js';

/** The subresources that quotas look at; others change nothing they count. */
const METERED: ReadonlySet<string> = new Set(['', 'status', 'resize', 'finalize']);

const NOTHING: Reserved = { commit: async () => undefined, abort: async () => undefined };

/** What was taken, by quota. */
type Taken = Map<string, { uid: string; amounts: ReadonlyMap<string, Quantity> }>;

export interface QuotaChargesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Told of amounts that could not be given back; the quota controller counts them away. */
  readonly onLeak?: (namespace: string, error: unknown) => void;
}

/**
 * ResourceQuota, the last of the admission plugins: what a write takes is charged to the quotas of its namespace before the write, and
 * given back when the write fails; what a delete or an update frees is given back after it. A crash in between leaves too much charged
 * until the quota controller counts again, never too little.
 */
export class QuotaCharges implements WriteCharges {
  readonly #options: QuotaChargesOptions;
  readonly #book: QuotaBook;

  constructor(options: QuotaChargesOptions) {
    this.#options = options;
    this.#book = new QuotaBook(options.store, options.clock);
  }

  async begin(write: ChargedWrite, policies: PolicyReader): Promise<Reserved> {
    const { namespace, kind, object, old, subresource, dryRun } = write;
    if (namespace === '' || !METERED.has(subresource)) return NOTHING;
    const meter = meterOf(kind.group, kind.plural);
    if (meter === undefined) return NOTHING;
    const quotas = await policies.list<V1ResourceQuota>(QUOTAS, namespace);
    if (quotas.length === 0) return NOTHING;

    const nowMs = this.#options.clock.now();
    const metered: MeteredWrite = { meter, object, old, nowMs, isReport: subresource === 'status' };
    const concerned = quotas.some(
      (quota) => usageChange(quota, metered).size > 0 || unmeasurable(quota, metered) !== undefined,
    );
    if (!concerned) return NOTHING;
    const taken: Taken = new Map();
    const takes = quotas.some((quota) => charge(quota, metered).size > 0 || unmeasurable(quota, metered) !== undefined);
    if (takes) await this.#book.enter(namespace, (pages) => take(pages, { metered, write, taken }));
    if (dryRun) return NOTHING;
    return {
      commit: () => this.#giveBack(namespace, (pages) => releaseAll(pages, metered)),
      abort: async () => {
        if (taken.size > 0) await this.#giveBack(namespace, (pages) => putBack(pages, taken));
      },
    };
  }

  /** The write is done or has failed already: what goes wrong here is not its caller's. */
  async #giveBack(namespace: string, entry: (pages: readonly QuotaPage[]) => void): Promise<void> {
    try {
      await this.#book.enter(namespace, entry);
    } catch (error) {
      this.#options.onLeak?.(namespace, error);
    }
  }
}

/** Charges all quotas or none. */
function take(
  pages: readonly QuotaPage[],
  { metered, write, taken }: { metered: MeteredWrite; write: ChargedWrite; taken: Taken },
): void {
  taken.clear();
  for (const { quota } of pages) refuse(write, unmeasurable(quota, metered));
  const charges = pages.map((page) => ({ page, amounts: charge(page.quota, metered) }));
  for (const { page, amounts } of charges) {
    if (!metered.isReport) refuse(write, exceeded(page.quota, page.used, amounts));
  }
  if (write.dryRun) return;
  for (const { page, amounts } of charges) {
    if (amounts.size === 0) continue;
    page.add(amounts);
    taken.set(page.quota.metadata?.name ?? '', { uid: page.quota.metadata?.uid ?? '', amounts });
  }
}

function releaseAll(pages: readonly QuotaPage[], metered: MeteredWrite): void {
  for (const page of pages) page.add(release(page.quota, metered));
}

function putBack(pages: readonly QuotaPage[], taken: Taken): void {
  for (const page of pages) {
    const entry = taken.get(page.quota.metadata?.name ?? '');
    if (entry?.uid === page.quota.metadata?.uid && entry !== undefined) page.add(negated(entry.amounts));
  }
}

function refuse(write: ChargedWrite, message: string | undefined): void {
  if (message === undefined) return;
  const { group, plural } = write.kind;
  throw forbiddenError({ group, resource: plural }, nameOf(write.object), message);
}

function nameOf(object: KubernetesObject | undefined): string {
  return object?.metadata?.name ?? '';
}

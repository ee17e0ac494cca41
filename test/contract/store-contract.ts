import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../lib/store/store.js';
import type { StoreHarness, StoreCapabilities } from './store-contract-helpers.js';
import { changesContract } from './store-contract-changes.js';
import { listsContract } from './store-contract-lists.js';
import { writesContract } from './store-contract-writes.js';

/**
 * The behaviour every adapter of the `Store` port has. Call it in a test file of the adapter; `makeStore` gives an empty store
 * each time. The suite closes it.
 */
export function storeContract(
  name: string,
  makeStore: () => Promise<StoreHarness>,
  capabilities: StoreCapabilities = { remaining: true, watchDelayMs: 0, unicodeKeys: true },
): void {
  describe(`${name}: the store contract`, () => {
    let harness: StoreHarness;
    let store: Store;

    beforeEach(async () => {
      harness = await makeStore();
      store = harness.store;
    });
    afterEach(async () => {
      await store.close();
      await harness.dispose?.();
    });

    writesContract(() => harness, capabilities);
    listsContract(() => harness, capabilities);
    changesContract(() => harness, capabilities);
  });
}

export type { StoreCapabilities, StoreHarness } from './store-contract-helpers.js';

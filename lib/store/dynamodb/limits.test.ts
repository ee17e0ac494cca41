import { expect, test } from 'vitest';
import { OBJECT_SIZE_MAX_BYTES } from '../store.js';
import * as limits from './limits.js';

const HEADROOM_BYTES = 8 * 1_024;

test('bounds fit each other', () => {
  // An item holds what it may have to.
  expect(2 * limits.INLINE_BODY_MAX_BYTES + HEADROOM_BYTES).toBeLessThan(limits.ITEM_SIZE_MAX_BYTES);
  expect(limits.CHUNK_SIZE_BYTES + HEADROOM_BYTES).toBeLessThan(limits.ITEM_SIZE_MAX_BYTES);
  // A transaction holds the largest object, its event and the chunks of the one before.
  expect(2 * OBJECT_SIZE_MAX_BYTES + HEADROOM_BYTES).toBeLessThan(limits.TRANSACTION_SIZE_MAX_BYTES);
  // A gap is older than any request of a writer that is still waiting.
  expect(limits.GRACE_MS).toBeGreaterThan(limits.REQUEST_TIMEOUT_MS);
  expect(limits.READ_DEADLINE_MS).toBeGreaterThan(2 * limits.GRACE_MS);
  expect(limits.RESOLVE_DEADLINE_MS).toBeGreaterThan(limits.REQUEST_TIMEOUT_MS);
  // What an event replaced outlives the event; tombstones outlive both.
  expect(limits.LOG_LIFE_RETENTIONS).toBeGreaterThan(2);
  expect(limits.TOMBSTONE_LIFE_RETENTIONS).toBeGreaterThan(limits.LOG_LIFE_RETENTIONS);
  // Margins of the protocol.
  expect(limits.PROOF_AGE_PART).toBeLessThanOrEqual(1 / 2);
  expect(limits.YOUNG_AGE_PART + limits.LIST_AGE_PART).toBeLessThan(1);
  expect(limits.REVISION_AGE_PART).toBeLessThan(limits.PROOF_AGE_PART / 2);
  const writerMs = limits.WRITE_DEADLINE_MS + limits.RESOLVE_DEADLINE_MS;
  expect(writerMs).toBeLessThan(limits.RETENTION_DEFAULT_MS * limits.REVISION_AGE_PART);
});

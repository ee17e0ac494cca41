import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.js';
import type { DynamoDbLocal } from '../support/dynamodb-local.js';
import { EMULATOR_TEST_TIMEOUT_MS, emulatorStore } from './emulator-store.js';
import { storeContract } from './store-contract.js';

vi.setConfig({ testTimeout: EMULATOR_TEST_TIMEOUT_MS, hookTimeout: EMULATOR_TEST_TIMEOUT_MS });

const missing = whyNoDynamoDbLocal();
if (missing !== undefined) {
  console.log(`skipped: the store contract on DynamoDB Local. ${missing}`);
  test.skip('dynamodb-local: the store contract', () => undefined);
} else
  describe('dynamodb-local', () => {
    let local: DynamoDbLocal;
    beforeAll(async () => {
      local = await startDynamoDbLocal();
      await local.createTable('objects');
    });
    afterAll(() => local?.stop());

    storeContract('dynamodb-local', async () => emulatorStore(local.client), {
      remaining: false,
      watchDelayMs: 0,
      unicodeKeys: true,
      watchedWrites: 100,
    });
  });

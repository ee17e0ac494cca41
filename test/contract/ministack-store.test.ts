import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { MiniStack, whyNoMiniStack } from '../support/ministack.js';
import { EMULATOR_TEST_TIMEOUT_MS, emulatorStore } from './emulator-store.js';
import { storeContract } from './store-contract.js';

vi.setConfig({ testTimeout: EMULATOR_TEST_TIMEOUT_MS, hookTimeout: EMULATOR_TEST_TIMEOUT_MS });

const missing = whyNoMiniStack();
if (missing !== undefined) {
  console.log(`skipped: the store contract on MiniStack. ${missing}`);
  test.skip('ministack: the store contract', () => undefined);
} else
  describe('ministack', () => {
    let emulator: MiniStack;
    beforeAll(async () => {
      emulator = await MiniStack.start();
      await emulator.createTable('objects');
    });
    afterAll(() => emulator?.stop());

    storeContract('ministack', async () => emulatorStore(emulator.dynamoDb()), {
      remaining: false,
      watchDelayMs: 0,
      unicodeKeys: true,
      watchedWrites: 100,
    });
  });

import { afterAll, beforeAll, describe, test } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import type { Clock } from '../../lib/clock/clock.js';
import { systemRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { SdkTable } from '../../lib/store/dynamodb/sdk-table.js';
import { MiniStack, whyNoMiniStack } from '../support/ministack.js';
import { storeContract } from './store-contract.js';

const RETENTION_MS = 600_000;

/** It takes minutes: each request is a Python program's work. */
const missing =
  process.env['ZEROPLANE_MINISTACK'] === '1'
    ? whyNoMiniStack()
    : `it takes minutes: set ZEROPLANE_MINISTACK=1 to run it${((why) => (why === undefined ? '' : `. ${why}`))(whyNoMiniStack())}`;
if (missing !== undefined) {
  console.log(`skipped: the store contract on MiniStack. ${missing}`);
  test.skip('ministack: the store contract', () => undefined);
} else
  describe('ministack', () => {
    let emulator: MiniStack;
    let stores = 0;
    beforeAll(async () => {
      emulator = await MiniStack.start();
      await emulator.createTable('objects');
    });
    afterAll(() => emulator?.stop());

    storeContract(
      'ministack',
      async () => {
        let movedMs = 0;
        const clock: Clock = {
          now: () => systemClock.now() + movedMs,
          setTimer: (delayMs, callback) => systemClock.setTimer(delayMs, callback),
        };
        const table = new SdkTable({ client: emulator.dynamoDb(), tableName: 'objects', clock });
        const cluster = `c${stores++}`;
        const store = new DynamoDbStore({ table, clock, random: systemRandom(), cluster, retentionMs: RETENTION_MS });
        return {
          store,
          // It deletes expired items once a minute: events too old must not be told all the same.
          ageLog: async () => {
            movedMs += RETENTION_MS * 1.1;
          },
        };
      },
      { remaining: false, watchDelayMs: 0, unicodeKeys: true },
    );
  });

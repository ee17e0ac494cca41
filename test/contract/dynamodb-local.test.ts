import { afterAll, beforeAll, describe, test } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import type { Clock } from '../../lib/clock/clock.js';
import { systemRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { SdkTable } from '../../lib/store/dynamodb/sdk-table.js';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.js';
import type { DynamoDbLocal } from '../support/dynamodb-local.js';
import { storeContract } from './store-contract.js';

const RETENTION_MS = 600_000;

const missing = whyNoDynamoDbLocal();
if (missing !== undefined) {
  console.log(`skipped: the store contract on DynamoDB Local. ${missing}`);
  test.skip('dynamodb-local: the store contract', () => undefined);
} else
  describe('dynamodb-local', () => {
    let local: DynamoDbLocal;
    let stores = 0;
    beforeAll(async () => {
      local = await startDynamoDbLocal();
      await local.createTable('objects');
    });
    afterAll(() => local.stop());

    storeContract(
      'dynamodb-local',
      async () => {
        let movedMs = 0;
        const clock: Clock = {
          now: () => systemClock.now() + movedMs,
          setTimer: (delayMs, callback) => systemClock.setTimer(delayMs, callback),
        };
        const table = new SdkTable({ client: local.client, tableName: 'objects', clock });
        const cluster = `c${stores++}`;
        const store = new DynamoDbStore({ table, clock, random: systemRandom(), cluster, retentionMs: RETENTION_MS });
        return {
          store,
          // It deletes expired items when it likes, which is not now: events too old must not be told all the same.
          ageLog: async () => {
            movedMs += RETENTION_MS * 1.1;
          },
        };
      },
      { remaining: false, watchDelayMs: 0, unicodeKeys: true },
    );
  });

import type { Clock } from '../../lib/clock/clock.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { TableConnection } from '../support/table-connection.js';
import { TableDouble } from '../support/table-double.js';
import { storeContract } from './store-contract.js';

const RETENTION_MS = 600_000;
/** DynamoDB deletes after this, see LOG_LIFE_RETENTIONS. */
const AGED_RETENTIONS = 3.5;
const PAGE_SIZE_BYTES = 4_096;

/** The machine's clock, which tests can set forward. */
class MovedClock implements Clock {
  movedMs = 0;

  now(): number {
    return systemClock.now() + this.movedMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return systemClock.setTimer(delayMs, callback);
  }
}

const CAPABILITIES = { remaining: false, watchDelayMs: 0, unicodeKeys: true };

storeContract(
  'dynamodb',
  async () => {
    const clock = new MovedClock();
    const double = new TableDouble({ clock, pageSizeBytes: PAGE_SIZE_BYTES });
    const table = new TableConnection({ double });
    const store = new DynamoDbStore({
      table,
      clock,
      random: systemRandom(),
      cluster: 'one',
      retentionMs: RETENTION_MS,
    });
    return {
      store,
      ageLog: async () => {
        clock.movedMs += RETENTION_MS * AGED_RETENTIONS;
        double.expire((item) => item.sk.length % 2 === 0 || Number(item.sk) % 2 === 0);
      },
    };
  },
  CAPABILITIES,
);

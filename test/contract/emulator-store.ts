import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { systemRandom } from '../../lib/random.js';
import { DynamoDbStore } from '../../lib/store/dynamodb/dynamodb-store.js';
import { SdkTable } from '../../lib/store/dynamodb/sdk-table.js';
import { PATIENT_WATCH_POLL_MS, PatientClock } from '../support/patient-clock.js';
import type { StoreHarness } from './store-contract-helpers.js';

const RETENTION_MS = 600_000;
let stores = 0;

/** The store on the table `objects` of an emulator, each in a cluster of its own. */
export function emulatorStore(client: DynamoDBClient): StoreHarness {
  const clock = new PatientClock();
  const table = new SdkTable({ client, tableName: 'objects', clock });
  const store = new DynamoDbStore({
    table,
    clock,
    random: systemRandom(),
    cluster: `c${stores++}`,
    retentionMs: RETENTION_MS,
    watchPollMaxMs: PATIENT_WATCH_POLL_MS,
  });
  return {
    store,
    // Emulators delete expired items when they like: events too old must not be told all the same.
    ageLog: async () => clock.move(RETENTION_MS * 1.1),
  };
}

/** On a quiet machine a test takes a second or two. */
export const EMULATOR_TEST_TIMEOUT_MS = 180_000;

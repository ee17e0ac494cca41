import { sleep, type Clock } from '../../../lib/clock/clock.js';
import { randomFraction, type Random } from '../../../lib/random.js';
import type { Table } from '../../../lib/store/dynamodb/table.js';
import type { Sqs } from '../../../lib/work/sqs/sqs.js';
import type { CloudNetwork } from '../../support/cloud-cluster.js';

/** Medians, as the store protocol's own simulation has them; the rest is log-normal about them. */
const SINGLE_MS = 4;
const TRANSACTION_MS = 12;
const SQS_MS = 8;
const SIGMA = 0.35;

/** From a node or a client to the function and back, with what Lambda adds to a warm call. */
const ROUND_TRIP_MS = 20;

/** A table as far away as DynamoDB is from a function of the same region. */
export function distantTable(table: Table, { clock, random }: { clock: Clock; random: Random }): Table {
  const after = async <T>(medianMs: number, call: () => Promise<T>): Promise<T> => {
    const latencyMs = logNormal(random, medianMs);
    await sleep(clock, latencyMs / 2);
    const answer = await call();
    await sleep(clock, latencyMs / 2);
    return answer;
  };
  return {
    getItem: (...args) => after(SINGLE_MS, () => table.getItem(...args)),
    query: (...args) => after(SINGLE_MS, () => table.query(...args)),
    batchGet: (...args) => after(SINGLE_MS, () => table.batchGet(...args)),
    putItem: (...args) => after(SINGLE_MS, () => table.putItem(...args)),
    updateItem: (...args) => after(SINGLE_MS, () => table.updateItem(...args)),
    transactGet: (...args) => after(TRANSACTION_MS, () => table.transactGet(...args)),
    transactWrite: (...args) => after(TRANSACTION_MS, () => table.transactWrite(...args)),
  };
}

function distantSqs(sqs: Sqs, { clock, random }: { clock: Clock; random: Random }): Sqs {
  const travel = (): Promise<void> => sleep(clock, logNormal(random, SQS_MS));
  return {
    async send(...args) {
      await travel();
      return sqs.send(...args);
    },
    async receive(...args) {
      const messages = await sqs.receive(...args);
      await travel();
      return messages;
    },
    async delete(...args) {
      await travel();
      return sqs.delete(...args);
    },
    createQueue: (...args) => sqs.createQueue(...args),
    deleteQueue: (...args) => sqs.deleteQueue(...args),
    queueUrl: (...args) => sqs.queueUrl(...args),
  };
}

export const AWS_NETWORK: CloudNetwork = { table: distantTable, sqs: distantSqs, roundTripMs: ROUND_TRIP_MS };

function logNormal(random: Random, median: number): number {
  const [one, other] = [1 - randomFraction(random), randomFraction(random)];
  return median * Math.exp(SIGMA * Math.sqrt(-2 * Math.log(one)) * Math.cos(2 * Math.PI * other));
}

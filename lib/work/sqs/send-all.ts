import { sleep, type Clock } from '../../clock/clock.js';
import { randomInt, type Random } from '../../random.js';
import { BATCH_MESSAGES_MAX, SEND_BACKOFF_FIRST_MS, SEND_BACKOFF_MAX_MS, SEND_DEADLINE_MS } from './limits.js';
import { isSqsError, SqsError, type OutgoingMessage, type Sqs } from './sqs.js';

/** Sends in batches, in order, what is refused for the moment again until the deadline. Throws what ended the attempts. */
export async function sendAll(
  parts: { sqs: Sqs; clock: Clock; random: Random },
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const { sqs, clock, random } = parts;
  const deadlineMs = clock.now() + SEND_DEADLINE_MS;
  let left = [...messages];
  let backoffMs = SEND_BACKOFF_FIRST_MS;
  while (left.length > 0) {
    const batch = left.slice(0, BATCH_MESSAGES_MAX);
    let failure: unknown;
    let again: readonly OutgoingMessage[];
    try {
      again = (await sqs.send(queueUrl, batch)).refused;
    } catch (error) {
      if (!isSqsError(error, 'unavailable')) throw error;
      failure = error;
      again = batch;
    }
    left = [...again, ...left.slice(batch.length)];
    if (again.length === 0) {
      backoffMs = SEND_BACKOFF_FIRST_MS;
      continue;
    }
    if (clock.now() >= deadlineMs)
      throw failure ?? new SqsError('unavailable', `${left.length} messages were not taken by ${queueUrl}`);
    await sleep(clock, 1 + randomInt(random, backoffMs));
    backoffMs = Math.min(2 * backoffMs, SEND_BACKOFF_MAX_MS);
  }
}

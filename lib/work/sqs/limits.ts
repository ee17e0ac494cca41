/** Every bound of the SQS adapters. The relations between them are asserted at the end. */

/** SQS's own: messages of one batch. */
export const BATCH_MESSAGES_MAX = 10;
/** SQS's own: bytes of one message, and of one batch. */
export const MESSAGE_MAX_BYTES = 1_048_576;
/** SQS's own: a delay. */
export const DELAY_MAX_SECONDS = 900;
/** SQS's own: characters of a message group's name and of a deduplication id. */
export const NAME_MAX_CHARACTERS = 128;
/** SQS's own: characters of a queue's name. */
export const QUEUE_NAME_MAX_CHARACTERS = 80;
/** SQS's own: how long a receive may wait. */
export const LONG_POLL_SECONDS = 20;

/** A message of ours: controller, key and an id. Whatever is larger is none of ours. */
export const WORK_MESSAGE_MAX_BYTES = 8_192;

/** How long one request may take; a long poll this much longer than it waits. */
export const SQS_REQUEST_TIMEOUT_MS = 3_000;
/** A batch that was not taken completely after so long fails. */
export const SEND_DEADLINE_MS = 10_000;
export const SEND_BACKOFF_FIRST_MS = 50;
export const SEND_BACKOFF_MAX_MS = 1_000;

/** How long the functions behind queues may run at a time. */
export const WORK_FUNCTION_TIMEOUT_SECONDS = 120;
/** How long a message is hidden while it is handled: what a crash has left is handled again after this. */
export const WORK_VISIBILITY_SECONDS = 150;
/** Receives before a message goes to the dead letters. */
export const WORK_RECEIVES_MAX = 5;
/** How long messages, and dead letters, are kept. */
export const WORK_RETENTION_SECONDS = 4 * 86_400;
export const DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400;

/** A wake-up that is so long overdue is taken to be lost, and another one is sent. */
export const DUE_OVERDUE_MS = 60_000;
/** A wake-up that comes so much too early, by another machine's clock, is in time. */
export const DUE_EARLY_MS = 1_000;
/** Records of wake-ups are deleted so long after they were due. */
export const DUE_KEPT_SECONDS = 86_400;

/** A ring that nobody has heard for so long is worth nothing: whoever comes back looks at everything anyway. */
export const RING_RETENTION_SECONDS = 300;
/** How long an agent's queue may be looked for again after it was not there. */
export const DOORBELL_MISSING_RETRY_MS = 2_000;

if (WORK_VISIBILITY_SECONDS <= WORK_FUNCTION_TIMEOUT_SECONDS)
  throw new Error('a message must stay hidden while the function that handles it may run');
if (WORK_MESSAGE_MAX_BYTES * BATCH_MESSAGES_MAX > MESSAGE_MAX_BYTES)
  throw new Error('a batch of the largest messages must fit into a request');

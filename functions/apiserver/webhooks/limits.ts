import { OBJECT_SIZE_MAX_BYTES } from '../../../lib/store/store.js';

/** The largest answer that is read from a webhook. A patch may hold a whole object, in base64 inside JSON; beyond that nobody needs more. */
export const WEBHOOK_ANSWER_MAX_BYTES = 6 * 1024 * 1024;

if (WEBHOOK_ANSWER_MAX_BYTES < 2 * OBJECT_SIZE_MAX_BYTES) throw new Error('an answer must be able to hold an object');

/** Connections to one server at one time, and to all of them; the next waits inside its own time-out. */
export const CONNECTIONS_PER_SERVER_MAX = 128;
export const CONNECTIONS_MAX = 1_024;
/** Idle connections kept to one server. */
export const IDLE_CONNECTIONS_MAX = 8;
/** How much of an answer that is no JSON is quoted. */
export const QUOTED_ANSWER_MAX_CHARACTERS = 256;

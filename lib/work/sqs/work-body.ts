import { createHash } from 'node:crypto';
import type { WorkMessage } from '../work-queue.js';
import { NAME_MAX_CHARACTERS, WORK_MESSAGE_MAX_BYTES } from './limits.js';

/** What SQS takes as a name: printable ASCII without blanks. */
const NAME = /^[!-~]+$/;

/** A name that SQS takes and that no two texts share: the text itself, or its hash. */
export function sqsName(text: string): string {
  return text.length <= NAME_MAX_CHARACTERS && NAME.test(text)
    ? text
    : `sha256-${createHash('sha256').update(text).digest('hex')}`;
}

export function writeBody(message: WorkMessage): string {
  return JSON.stringify(message);
}

/** What `writeBody` wrote; undefined for what it never would have. */
export function readBody(text: string): WorkMessage | undefined {
  if (Buffer.byteLength(text) > WORK_MESSAGE_MAX_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { controller, key, deduplicationId, attempt, dueMs } = value as Record<string, unknown>;
  if (typeof controller !== 'string' || typeof key !== 'string' || controller === '' || key === '') return undefined;
  if (typeof deduplicationId !== 'string' || !isCount(attempt)) return undefined;
  if (dueMs === undefined) return { controller, key, deduplicationId, attempt };
  return isCount(dueMs) ? { controller, key, deduplicationId, attempt, dueMs } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

import { ApiError, badRequest } from '../../../../lib/api/errors.js';
import type { Status } from '../../../../lib/api/meta.js';
import { isJsonObject } from '../../../../lib/json/path.js';

/** The webhook itself failed, so that its failure policy decides. */
export class CallingWebhookError extends Error {
  readonly code = 'calling-webhook';

  constructor(webhook: string, reason: string, options?: ErrorOptions) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`, options);
    this.name = 'CallingWebhookError';
  }
}

/** What a client gets when a webhook says no; `result` is the webhook's `response.status`, as it came. */
export function deniedByWebhook(webhook: string, result: unknown): ApiError {
  const given = (isJsonObject(result) ? result : {}) as Partial<Status>;
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const text = stringOf(given.message) || stringOf(given.reason);
  const code = typeof given.code === 'number' && given.code >= 400 && given.code < 600 ? given.code : 400;
  return new ApiError({
    message: text === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${text}`,
    ...(stringOf(given.reason) === '' ? {} : { reason: stringOf(given.reason) }),
    ...(isJsonObject(given.details) ? { details: given.details } : {}),
    code,
  });
}

export function dryRunUnsupported(webhook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

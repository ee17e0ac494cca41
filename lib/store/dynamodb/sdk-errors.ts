import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { fromAttributes } from './expressions.js';
import { TableError } from './table.js';
import type { CancelReason, TableErrorCode } from './table.js';

/** What is read of the SDK's errors; by name, since errors of the network have no classes. */
interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly $fault?: 'client' | 'server';
  readonly Item?: Record<string, AttributeValue>;
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Message?: string }[];
}

/** Where a request was refused before it could do anything. */
const CODES: Readonly<Record<string, TableErrorCode>> = {
  ConditionalCheckFailedException: 'condition-failed',
  TransactionConflictException: 'conflict',
  TransactionInProgressException: 'conflict',
  ProvisionedThroughputExceededException: 'throttled',
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  ItemCollectionSizeLimitExceededException: 'refused',
  InternalServerError: 'timed-out',
};

const REASONS: Readonly<Record<string, CancelReason>> = {
  None: 'none',
  ConditionalCheckFailed: 'condition-failed',
  TransactionConflict: 'conflict',
  ThrottlingError: 'throttled',
  ProvisionedThroughputExceeded: 'throttled',
};

const TOO_LARGE = /item size|exceeded the maximum allowed size|aggregated size|cannot exceed/i;

/**
 * What an error of the SDK means to the store. Whatever is not known to have been refused may have been carried out: a
 * connection that broke, a server's error, a request abandoned.
 */
export function toTableError(error: unknown, kind: 'read' | 'any' = 'any'): TableError {
  if (!isSdkError(error)) return new TableError('timed-out', String(error), { cause: error });
  const message = `${error.name}: ${error.message}`;
  if (error.name === 'TransactionCanceledException') return cancelled(error, message, kind);
  if (error.name === 'ValidationException')
    return new TableError(TOO_LARGE.test(error.message) ? 'too-large' : 'refused', message, { cause: error });
  const code = CODES[error.name] ?? (error.$fault === 'client' ? 'refused' : 'timed-out');
  const item = error.Item === undefined ? {} : { item: fromAttributes(error.Item) };
  return new TableError(code, message, { ...item, cause: error });
}

function cancelled(error: SdkError, message: string, kind: 'read' | 'any'): TableError {
  const details = error.CancellationReasons ?? [];
  const reasons = details.map(({ Code }) => REASONS[Code ?? 'None'] ?? 'other');
  if (details.some((reason) => reason.Code === 'ValidationError' && TOO_LARGE.test(reason.Message ?? '')))
    return new TableError('too-large', message, { cause: error });
  if (details.some((reason) => reason.Code === 'ValidationError' || reason.Code === 'AccessDenied'))
    return new TableError('refused', message, { cause: error });
  if (kind === 'read')
    return new TableError(reasons.includes('throttled') ? 'throttled' : 'conflict', message, { cause: error });
  return new TableError('cancelled', message, { reasons, cause: error });
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

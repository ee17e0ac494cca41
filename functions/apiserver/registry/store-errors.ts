import {
  ApiError,
  conflict,
  expired,
  internalError,
  requestEntityTooLarge,
  serviceUnavailable,
  timeoutError,
} from '../../../lib/api/errors.js';
import { isStoreError, type StoreError } from '../../../lib/store/errors.js';
import { OBJECT_SIZE_MAX_BYTES } from '../../../lib/store/store.js';
import type { Resource } from './catalog.js';

/** What a client is told of a failure of the store that nobody below could handle. */
export function storeFailure(error: StoreError, resource: Resource | undefined, name: string): ApiError {
  const target = resource?.target ?? { group: '', resource: '' };
  switch (error.code) {
    case 'conflict':
      return conflict(target, name);
    case 'compacted':
      return expired('The provided resource version is too old: start again with a new list.');
    case 'too-large':
      return requestEntityTooLarge(
        `etcdserver: request is too large: an object may have at most ${OBJECT_SIZE_MAX_BYTES} bytes`,
      );
    case 'unavailable':
      return serviceUnavailable(
        'the store cannot take the request now, please try again later',
        Math.max(1, Math.ceil((error.retryAfterMs ?? 1_000) / 1_000)),
      );
    case 'unknown':
      return timeoutError('the store did not confirm the write in time; it may or may not have been applied', 1);
  }
}

/** Every failure as the ApiError that is sent; defects are logged by the caller and named by the request's id only. */
export function toApiError(error: unknown, resource: Resource | undefined, name: string, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (isStoreError(error)) return storeFailure(error, resource, name);
  return internalError(`an unexpected error; the server's log has it under request ${requestId}`, error);
}

/** 504 for a resourceVersion that has not been reached. */
export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  const message = `Too large resource version: ${asked}, current: ${current}`;
  const error = timeoutError(message, 1);
  return new ApiError({
    ...error.status,
    details: {
      retryAfterSeconds: 1,
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    },
  });
}

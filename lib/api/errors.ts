import { toCause, type FieldError } from './field-errors.js';
import type { Status, StatusCause } from './meta.js';

/** What an error is about, for `details` and the message: the plural resource name, its group, and the object's name. */
export interface ErrorTarget {
  group: string;
  resource: string;
}

/**
 * A refusal with a Kubernetes Status. The API server throws it and serves it; the client turns answers back into it,
 * so that both sides of the in-process transport see the same error.
 */
export class ApiError extends Error {
  readonly status: Status;

  constructor(
    status: Omit<Status, 'kind' | 'apiVersion' | 'metadata' | 'status'> & {
      metadata?: Status['metadata'];
    },
    options?: ErrorOptions,
  ) {
    super(status.message, options);
    this.name = 'ApiError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      ...status,
      metadata: status.metadata ?? {},
    };
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** True for an `ApiError`, of that reason when one is given: `isApiError(error, 'NotFound')`. */
export function isApiError(error: unknown, reason?: string): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.reason === reason);
}

/** `deployments.apps`, or `pods` for the core group. */
export function qualifiedResource(target: ErrorTarget): string {
  return target.group === '' ? target.resource : `${target.resource}.${target.group}`;
}

function details(
  target: ErrorTarget,
  name?: string,
  more: Partial<NonNullable<Status['details']>> = {},
): NonNullable<Status['details']> {
  return {
    ...(name === undefined || name === '' ? {} : { name }),
    ...(target.group === '' ? {} : { group: target.group }),
    ...(target.resource === '' ? {} : { kind: target.resource }),
    ...more,
  };
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(message = 'Unauthorized'): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message });
}

/** `message` is the part behind the colon. */
export function forbiddenError(target: ErrorTarget, name: string, message: string): ApiError {
  const subject =
    target.resource === ''
      ? 'forbidden'
      : name === ''
        ? `${qualifiedResource(target)} is forbidden`
        : `${qualifiedResource(target)} ${JSON.stringify(name)} is forbidden`;
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${subject}: ${message}`,
    details: details(target, name),
  });
}

export function notFoundError(target: ErrorTarget, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualifiedResource(target)} ${JSON.stringify(name)} not found`,
    details: details(target, name),
  });
}

/** The path or resource does not exist at all. */
export function pathNotFound(): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

export function methodNotAllowed(target: ErrorTarget, action: string): ApiError {
  return new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `${action} is not supported on resources of kind ${JSON.stringify(qualifiedResource(target))}`,
    details: details(target),
  });
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return new ApiError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${accepted.join(', ')}`,
  });
}

export function alreadyExists(target: ErrorTarget, name: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualifiedResource(target)} ${JSON.stringify(name)} already exists`,
    details: details(target, name),
  });
}

/** `message` is the part behind the colon; the default is the optimistic lock's. */
export function conflict(
  target: ErrorTarget,
  name: string,
  message = OPTIMISTIC_LOCK_MESSAGE,
  causes?: StatusCause[],
): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedResource(target)} ${JSON.stringify(name)}: ${message}`,
    details: details(target, name, causes === undefined ? {} : { causes }),
  });
}

export const OPTIMISTIC_LOCK_MESSAGE =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 410: a resourceVersion that the log no longer reaches, in a list or watch. */
export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError({
    code: 410,
    reason: 'Expired',
    message,
    metadata: continueToken === undefined ? {} : { continue: continueToken },
  });
}

/** `message` is the part behind the colon, as `limit is 3145728`. */
export function requestEntityTooLarge(message: string): ApiError {
  return new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message: `Request entity too large: ${message}` });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  });
}

/** 422 with a cause per field error, as `Deployment.apps "web" is invalid: spec.replicas: Invalid value: …`. */
export function invalidError(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.body}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified} ${JSON.stringify(name)} is invalid: ${text}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.kind,
      causes: errors.map(toCause),
    },
  });
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError({
    code: 429,
    reason: 'TooManyRequests',
    message,
    details: { retryAfterSeconds },
  });
}

export function internalError(message: string, cause?: unknown): ApiError {
  return new ApiError(
    {
      code: 500,
      reason: 'InternalError',
      message: `Internal error occurred: ${message}`,
      details: { causes: [{ message }] },
    },
    { cause },
  );
}

export function serviceUnavailable(message: string, retryAfterSeconds = 1): ApiError {
  return new ApiError({
    code: 503,
    reason: 'ServiceUnavailable',
    message,
    details: { retryAfterSeconds },
  });
}

/** The outcome of a write is not known. */
export function timeoutError(message: string, retryAfterSeconds = 0): ApiError {
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: ${message}`,
    details: { retryAfterSeconds },
  });
}

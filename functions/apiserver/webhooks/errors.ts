export type WebhookCallErrorCode =
  /** No whole answer within the time-out. */
  | 'timeout'
  /** No connection, or it broke off. */
  | 'unreachable'
  /** The server could not prove who it is. */
  | 'untrusted'
  /** An answer above the bound. */
  | 'too-large'
  /** An answer whose status says that the call failed. */
  | 'rejected'
  /** A successful answer that is no JSON object. */
  | 'malformed'
  /** The configuration itself cannot be used. */
  | 'misconfigured';

/**
 * Why a webhook gave no answer. The message is in the words of Kubernetes, which users know (`Post "https://…": context deadline
 * exceeded`), and becomes part of a Status.
 */
export class WebhookCallError extends Error {
  readonly code: WebhookCallErrorCode;
  /** The HTTP status of a `rejected` call. */
  readonly status: number | undefined;

  constructor(code: WebhookCallErrorCode, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.name = 'WebhookCallError';
    this.code = code;
    this.status = options.status;
  }
}

/**
 * How a client reaches an API server: over HTTPS, or by calling the API app in the same process with an identity
 * fixed when the transport was made. The same checks run either way.
 */
export interface Transport {
  /** Resolves once the status and headers are known. Rejects with a `TransportError` when no answer came. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

export interface TransportRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query: `/api/v1/pods?limit=1`. */
  path: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  body?: string | Uint8Array;
  /** Ends the request, a streamed answer included. */
  signal?: AbortSignal;
}

export interface TransportResponse {
  status: number;
  header(name: string): string | undefined;
  /** The whole body. Call either this or `stream`, once. */
  bytes(): Promise<Uint8Array>;
  /** The body as it arrives; ends without an error when `signal` aborts. */
  stream(): AsyncIterable<Uint8Array>;
}

/** The request did not get an answer; whether it was applied is not known. */
export class TransportError extends Error {
  readonly code = 'transport';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
  }
}

/**
 * What stops the network of a node:
 * - `missing-program`: a program has to be installed;
 * - `not-permitted`: the process lacks a right, the message says which and how to get it;
 * - `unsupported`: the kernel lacks a feature;
 * - `invalid`: an option cannot be;
 * - `failed`: anything else, worth another try.
 */
export type NetworkErrorCode = 'missing-program' | 'not-permitted' | 'unsupported' | 'invalid' | 'failed';

export class NetworkError extends Error {
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkError';
    this.code = code;
  }
}

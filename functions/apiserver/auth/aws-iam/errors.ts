export type AwsIamErrorCode =
  /** Not a presigned GetCallerIdentity for this cluster, whatever its signature is. */
  | 'malformed'
  /** Its time is over, or has not come. */
  | 'expired'
  /** STS does not know the signature (made for another cluster, altered, or by credentials that are no more). */
  | 'refused'
  /** STS knows who it is, but nobody here does. */
  | 'unmapped'
  /** STS could not be asked, or its answer makes no sense. The token may be good. */
  | 'unavailable';

/** Why a token of AWS is refused: for the log. It never contains the token, nor any part of its URL. */
export class AwsIamError extends Error {
  readonly code: AwsIamErrorCode;

  constructor(code: AwsIamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AwsIamError';
    this.code = code;
  }
}

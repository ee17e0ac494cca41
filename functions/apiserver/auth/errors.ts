export type TokenErrorCode =
  /** Not a token this cluster issued, or its signature is wrong. */
  | 'invalid'
  /** Its time has not come or is over. */
  | 'expired'
  /** It is for others than who is asked. */
  | 'audience'
  /** What it was bound to is gone. */
  | 'invalidated';

/** Why a token is refused. Clients only learn `Unauthorized`; a TokenReview shows the message. */
export class TokenError extends Error {
  readonly code: TokenErrorCode;

  constructor(code: TokenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TokenError';
    this.code = code;
  }
}

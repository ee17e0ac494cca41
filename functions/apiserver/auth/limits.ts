/** Clocks of token issuer and verifier may differ by so much, as in Kubernetes. */
export const TOKEN_LEEWAY_SECONDS = 60;

/** Signatures of so many tokens are remembered; an entry is below a kilobyte. */
export const VERIFIED_TOKENS_MAX = 10_000;

/** Longer bearer tokens are refused unread. */
export const TOKEN_LENGTH_MAX = 16_384;

export const TOKEN_EXPIRATION_DEFAULT_SECONDS = 3_600;
export const TOKEN_EXPIRATION_MIN_SECONDS = 600;
export const TOKEN_EXPIRATION_MAX_SECONDS = 2 ** 32;

/** A presigned URL with the largest session tokens stays below this, as in aws-iam-authenticator. */
export const AWS_TOKEN_LENGTH_MAX = 16_384;

/** X-Amz-Expires above this is refused. */
export const URL_EXPIRES_MAX_SECONDS = 900;

/** The clock of whoever made a token may be ahead by so much; STS itself takes five minutes. */
export const FUTURE_MAX_MS = 5 * 60 * 1_000;

/** How long STS may take, from the first byte sent to the last one read. */
export const STS_TIMEOUT_MS = 5_000;

/** An answer of STS is about 500 bytes. */
export const STS_ANSWER_MAX_BYTES = 16 * 1_024;

/** Questions to STS under way at one time; further tokens are refused until one is answered. */
export const STS_CALLS_MAX = 64;

/** Verdicts that are remembered; an entry is below a kilobyte. */
export const VERDICTS_MAX = 10_000;

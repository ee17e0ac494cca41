/** What a webhook that says nothing is given to answer, as in Kubernetes. */
export const WEBHOOK_TIMEOUT_SECONDS = 10;

/** Warnings of one answer that are passed on, and how long each may be. */
export const WARNINGS_MAX = 64;
export const WARNING_MAX_CHARACTERS = 4_096;

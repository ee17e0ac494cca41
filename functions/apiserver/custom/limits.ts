/** How long the answer of a conversion webhook is waited for (Kubernetes' bound). */
export const CONVERSION_TIMEOUT_MS = 30_000;
/** After so long a claim of names is of a writer that has died; far above the time that a write of a definition may take. */
export const CLAIM_AGE_MAX_MS = 60_000;
/** How often a claim of names is tried again when others of the same group are faster. */
export const CLAIM_ATTEMPTS_MAX = 50;
/** Objects that one conversion review carries. */
export const CONVERSION_BATCH_MAX = 500;
/** Keys of objects that are known to be stored as they are served, per version. */
export const KNOWN_CURRENT_MAX = 100_000;
/** Bytes of converted objects that are kept, over all versions. */
export const CONVERTED_CACHE_MAX_BYTES = 32 * 1024 * 1024;
/** Items that one cell of a table shows. */
export const CELL_ITEMS_MAX = 1_000;
/** How long the patterns and rules of one object may run. */
export const RULES_MAX_MS = 2_000;

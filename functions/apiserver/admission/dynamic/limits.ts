/** What a webhook that says nothing is given to answer, as in Kubernetes. */
export const WEBHOOK_TIMEOUT_SECONDS = 10;

/** Warnings of one answer that are passed on, and how long each may be. */
export const WARNINGS_MAX = 64;
export const WARNING_MAX_CHARACTERS = 4_096;

/** What all expressions of one policy may cost for one object and parameter, as in Kubernetes. */
export const POLICY_COST_MAX = 10_000_000;
/** What all match conditions of one webhook or policy may cost together, as in Kubernetes. */
export const MATCH_CONDITIONS_COST_MAX = 2_500_000;
/** Rounds in which expressions may ask the authorizer for what the round before could not know yet. */
export const ACCESS_ROUNDS_MAX = 8;
/** A computed message above this is not used. */
export const MESSAGE_MAX_BYTES = 5 * 1024;
/** Objects that one binding may take as parameters; a selector that matches more is refused. */
export const PARAMS_MAX = 1_000;
/** Kinds against which the expressions of one policy are checked (Kubernetes' bound). */
export const CHECKED_KINDS_MAX = 10;

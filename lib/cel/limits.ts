/** What one evaluation of one expression may cost (Kubernetes' PerCallLimit). */
export const CALL_COST_MAX = 1_000_000;
/** Expressions longer than this are refused before they are parsed. */
export const EXPRESSION_CODE_POINTS_MAX = 100_000;
/** How deep an expression may nest, operators in a row included. */
export const EXPRESSION_DEPTH_MAX = 250;
/** After so many units of cost the clock is looked at, where a deadline was given. */
export const DEADLINE_CHECK_COST = 4_096;
/** Faults of one expression that are reported. */
export const ISSUES_MAX = 100;
/** Characters a text may grow to within an expression. */
export const STRING_LENGTH_MAX = 16 * 1024 * 1024;
/** Elements that one function may make at once. */
export const LIST_LENGTH_MAX = 1_000_000;

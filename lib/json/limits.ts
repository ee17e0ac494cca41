/**
 * How deeply arrays and objects may nest. Go allows 10,000; every walker of ours recurses, and a JavaScript stack carries
 * some 5,000 of their frames, while no Kubernetes object nests deeper than a few dozen levels.
 */
export const JSON_DEPTH_MAX = 1_000;

/** YAML's reader takes three times the stack of ours, and must stay far from its end. */
export const YAML_DEPTH_MAX = 400;

/** Strict decoding reports at most so many faults of one object, as Kubernetes does. */
export const STRICT_ERRORS_MAX = 100;

/** Digits of an integer literal; more than this is beyond every float as well. */
export const INTEGER_DIGITS_MAX = 309;

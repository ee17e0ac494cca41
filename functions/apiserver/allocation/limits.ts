/** Ranges unless configured otherwise. */
export const SERVICE_CIDR_DEFAULT = '10.96.0.0/16';
export const NODE_PORT_MIN_DEFAULT = 30_000;
export const NODE_PORT_MAX_DEFAULT = 32_767;

/** Random tries before all reservations are read to find a free value. */
export const RANDOM_TRIES_MAX = 8;

/** Reads of all reservations, each followed by a try, before a range in which others are always faster counts as full. */
export const LISTED_TRIES_MAX = 64;

/** A reservation without a service counts as leaked when it is older: no create takes that long. */
export const LEAK_GRACE_MS = 60_000;

/** How often the server repairs reservations. */
export const REPAIR_INTERVAL_MS = 3 * 60_000;

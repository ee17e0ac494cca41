/** An ordinary CRI call. The kubelet's runtimeRequestTimeout is two minutes as well. */
export const CALL_TIMEOUT_MS = 120_000;

/** Lists and status, which the runtime has at hand. */
export const LIST_TIMEOUT_MS = 10_000;

/** Setting up a sandbox calls network plug-ins: the kubelet gives it twice the ordinary time. */
export const SANDBOX_TIMEOUT_MS = 240_000;

/** A pull takes as long as the network does, but not for ever. */
export const PULL_TIMEOUT_MS = 30 * 60_000;

/** Beyond the grace period that the container has: the runtime needs a moment to kill and clean up. */
export const STOP_MARGIN_MS = 120_000;

/** As the kubelet's: lists of many containers are long. */
export const MESSAGE_MAX_BYTES = 16 * 1024 * 1024;

/** How often the runtime is asked what has changed by itself, as the kubelet's relist. */
export const RELIST_INTERVAL_MS = 1_000;

/** Of a termination message from a file; and from the log: bytes and lines. As the kubelet's. */
export const TERMINATION_MESSAGE_MAX_BYTES = 4 * 1024;
export const TERMINATION_LOG_MAX_BYTES = 2 * 1024;
export const TERMINATION_LOG_MAX_LINES = 80;

/** A log file is rotated above this size; so many are kept, the one that is written included. As the kubelet's. */
export const LOG_MAX_BYTES = 10 * 1024 * 1024;
export const LOG_FILES_MAX = 5;

/** Log sizes are looked at so often. */
export const LOG_CHECK_INTERVAL_MS = 10_000;

/** Who follows a log looks for more so often. */
export const LOG_POLL_MS = 250;

/** A line longer than this is given in pieces. The runtime itself splits at 16 KiB. */
export const LOG_LINE_MAX_BYTES = 256 * 1024;

/** How long an extension API server has to answer a question of ours about itself. */
export const CHECK_TIMEOUT_MS = 5_000;

/** How often it is seen whether extension API servers answer. */
export const CHECK_INTERVAL_MS = 10_000;

/** How long what an extension API server told about its resources is passed on without asking again. */
export const DISCOVERY_AGE_MAX_MS = 5_000;

/** The largest discovery document that is read. */
export const DISCOVERY_MAX_BYTES = 4 * 1024 * 1024;

/** How long a request that is passed on may wait for the first byte of its answer; a watch may send it late, but sends its head at once. */
export const PROXY_HEAD_TIMEOUT_MS = 60_000;

/** Extension API servers that are asked at one time. */
export const CHECKS_AT_A_TIME = 8;

/** How long what an extension API server published in /openapi/v2 is passed on without asking again, as in Kubernetes. */
export const SWAGGER_AGE_MAX_MS = 60_000;

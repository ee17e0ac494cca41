/** Nodes that are asked at one time. */
export const NODES_AT_A_TIME = 16;

/** A node that has not answered by then is left out. Its agent may take a second to measure. */
export const NODE_TIMEOUT_MS = 5_000;

/** More than a node with many pods has to say. */
export const SUMMARY_MAX_BYTES = 16 * 1024 * 1024;

/** Within this time nobody is asked again. */
export const KEPT_MS = 5_000;

/** What a kubelet that does not say over which time it measures takes. */
export const KUBELET_WINDOW_MS = 10_000;

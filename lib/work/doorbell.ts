/**
 * The control plane's way to tell a node that it should look. Hints only: a ring may be lost, repeated or late, and says nothing but which
 * collections changed; the node reads what changed since its revisions, and does so every few minutes anyway.
 */
export interface Doorbell {
  /** The node can be rung from now on. Doing it again changes nothing. */
  add(node: string): Promise<void>;
  /** The node is gone. Removing what is not there changes nothing. */
  remove(node: string): Promise<void>;
  /**
   * Tells a node that collections (`core/pods`) have changed; none named means that any may have. Of many rings at most one gets through in
   * RING_INTERVAL_MS, the last of them always. A node that was not added is not rung.
   */
  ring(node: string, collections: readonly string[]): Promise<void>;
}

/** A node's side. */
export interface DoorbellListener {
  /** Waits for rings, at most for some seconds. What has changed: collections, `any`, or undefined when nobody rang. Rejects never. */
  wait(signal: AbortSignal): Promise<readonly string[] | 'any' | undefined>;
}

/** One ring per node and this long. */
export const RING_INTERVAL_MS = 1_000;

/**
 * Time, as a parameter. Control-plane code never reads a global clock or sets a global timer, so that
 * a whole cluster runs on a fake clock and a failing seed replays exactly.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Runs `callback` once, `delayMs` from now at the earliest (0 means: as soon as the current turn is over).
   * Returns a function that cancels it; cancelling twice or after it ran does nothing.
   */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects: callers look at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** RFC 3339 with seconds, as Kubernetes writes `metav1.Time`: 2026-11-21T11:15:00Z. */
export function formatTime(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  // Nearly all times that are written are the present one, and a second lasts for thousands of them.
  if (second !== lastTime.second) lastTime = { second, text: `${new Date(epochMs).toISOString().slice(0, 19)}Z` };
  return lastTime.text;
}

let lastTime = { second: Number.NaN, text: '' };

/** RFC 3339 with microseconds, as Kubernetes writes `metav1.MicroTime`: 2026-11-21T11:15:00.000000Z. */
export function formatMicroTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}

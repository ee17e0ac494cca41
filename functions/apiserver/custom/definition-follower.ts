import { sleep, type Clock } from '../../../lib/clock/clock.js';
import { STORE_RETRY_DELAY_MS } from '../registry/limits.js';
import type { Selection } from '../registry/selection.js';
import type { Subscriber, WatchHub } from '../registry/watch-hub.js';

const EVERYTHING: Selection = { everything: true, prefix: '', index: undefined, matches: () => true };

/**
 * Notices definitions of custom resources that others change. A request asks for them by itself, but a watch waits: as long as one of a
 * custom resource is open, the log of the definitions is followed.
 */
export class DefinitionFollower implements Subscriber {
  readonly selection = EVERYTHING;
  readonly after = 0;
  readonly #clock: Clock;
  readonly #open: () => Promise<WatchHub>;
  readonly #changed: () => Promise<void>;
  #users = 0;
  #following: Promise<() => void> | undefined;
  #isDirty = false;
  #isRunning = false;

  /** `open` gives the hub of the definitions; `changed` reads them anew. */
  constructor(parts: { clock: Clock; open: () => Promise<WatchHub>; changed: () => Promise<void> }) {
    this.#clock = parts.clock;
    this.#open = parts.open;
    this.#changed = parts.changed;
  }

  /** Follows until what it answers is called. */
  async retain(): Promise<() => void> {
    this.#users++;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#users === 0) this.#stop();
    };
    try {
      await this.#start();
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  event(): void {
    this.#isDirty = true;
    if (!this.#isRunning) void this.#run();
  }

  bookmark(): void {}

  /** The log has lost its place: it is followed from where it is now, and what was missed is read. */
  failed(): void {
    this.#stop();
    this.event();
  }

  ended(): void {
    this.failed();
  }

  async #start(): Promise<void> {
    const following = (this.#following ??= this.#follow());
    try {
      await following;
    } catch (error) {
      if (this.#following === following) this.#following = undefined;
      throw error;
    }
  }

  async #follow(): Promise<() => void> {
    const hub = await this.#open();
    const unsubscribe = hub.subscribe(this);
    // What was known may be older than where the log is followed from.
    this.event();
    return () => {
      unsubscribe();
      hub.release();
    };
  }

  #stop(): void {
    const following = this.#following;
    this.#following = undefined;
    void following?.then(
      (end) => end(),
      () => undefined,
    );
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDirty && this.#users > 0) {
      this.#isDirty = false;
      try {
        await this.#start();
        await this.#changed();
      } catch {
        this.#isDirty = true;
        await sleep(this.#clock, STORE_RETRY_DELAY_MS);
      }
    }
    this.#isRunning = false;
  }
}

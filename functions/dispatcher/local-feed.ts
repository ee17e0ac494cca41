import type { ChangeEvent, ChangeFeed } from '../../lib/store/store.js';
import type { Dispatcher } from './dispatcher.js';

export interface LocalFeed {
  /** Every change so far has been dispatched. */
  readonly idle: boolean;
  close(): void;
}

/** Runs the dispatcher over a store's feed in the same process: in order, one change at a time. */
export function dispatchLocally(
  feed: ChangeFeed,
  dispatcher: Dispatcher,
  onError: (error: unknown) => void,
): LocalFeed {
  let waiting: { collection: string; event: ChangeEvent }[] = [];
  let running = false;
  let closed = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0 && !closed) {
      const batch = waiting;
      waiting = [];
      for (const { collection, event } of batch) {
        if (closed) break;
        try {
          await dispatcher.dispatch(collection, event);
        } catch (error) {
          // The resync finds what this change would have queued.
          onError(error);
        }
      }
    }
    running = false;
  }

  const unsubscribe = feed.subscribe((collection, events) => {
    if (!dispatcher.watches(collection)) return;
    for (const event of events) waiting.push({ collection, event });
    if (!running) void run();
  });

  return {
    get idle() {
      return !running && waiting.length === 0;
    },
    close() {
      closed = true;
      unsubscribe();
    },
  };
}

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './clock/clock.js';

/** Memory is looked at so often. */
const LOOK_MS = 30_000;

/** Less than this is not worth a collection. */
const GROWTH_MIN_BYTES = 16 * 1024 * 1024;

/** Growth between two looks that says that there is still work going on. */
const BUSY_BYTES = 4 * 1024 * 1024;

/** The memory of this process. */
export interface Memory {
  residentBytes(): number;
  /** Collects all garbage and gives back what it took; takes some tens of milliseconds. */
  collect(): void;
}

/**
 * Has the engine collect what a burst of work has left, once it is over: by itself it keeps what it once needed for as long as there is
 * little to do. For processes that are idle nearly always. Returns a function that ends this.
 */
export function giveBackMemory(clock: Clock, memory: Memory = ownMemory()): () => void {
  let restingBytes = memory.residentBytes();
  let beforeBytes = restingBytes;
  let cancel = (): void => undefined;
  const look = (): void => {
    let bytes = memory.residentBytes();
    if (bytes < beforeBytes + BUSY_BYTES && bytes > restingBytes + GROWTH_MIN_BYTES) {
      memory.collect();
      // What is still there is in use.
      restingBytes = bytes = memory.residentBytes();
    }
    restingBytes = Math.min(restingBytes, bytes);
    beforeBytes = bytes;
    cancel = clock.setTimer(LOOK_MS, look);
  };
  cancel = clock.setTimer(LOOK_MS, look);
  return () => cancel();
}

function ownMemory(): Memory {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return { residentBytes: () => process.memoryUsage.rss(), collect };
}

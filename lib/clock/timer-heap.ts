/** A timer of a fake clock; a cancelled one has no callback. */
export interface FakeTimer {
  readonly dueMs: number;
  /** The order in which timers were set: it decides between those of one moment. */
  readonly sequence: number;
  callback: (() => void) | undefined;
}

/** Cancelled timers that may lie in the heap before it is swept, beside as many as are pending. */
const CANCELLED_MIN = 64;

/** Timers by due time, then by the order in which they were set. Cancelled ones are dropped when they come up or become many. */
export class TimerHeap {
  #heap: FakeTimer[] = [];
  #pending = 0;

  /** Timers that are neither cancelled nor taken. */
  get size(): number {
    return this.#pending;
  }

  push(timer: FakeTimer): void {
    this.#heap.push(timer);
    this.#pending++;
    this.#up(this.#heap.length - 1);
  }

  cancel(timer: FakeTimer): void {
    if (timer.callback === undefined) return;
    timer.callback = undefined;
    this.#pending--;
    if (this.#heap.length - this.#pending > this.#pending + CANCELLED_MIN) this.#sweep();
  }

  /** The timer that is due first, or undefined. */
  first(): FakeTimer | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].callback === undefined) this.#removeFirst();
    return this.#heap[0];
  }

  /** Takes the first timer out; its callback is the caller's to run. */
  take(): (() => void) | undefined {
    const timer = this.first();
    const callback = timer?.callback;
    if (timer === undefined) return undefined;
    timer.callback = undefined;
    this.#pending--;
    this.#removeFirst();
    return callback;
  }

  #sweep(): void {
    // A sorted array is a heap.
    this.#heap = this.#heap.filter((timer) => timer.callback !== undefined).sort((one, other) => order(one, other));
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down();
  }

  #up(from: number): void {
    const heap = this.#heap;
    const timer = heap[from] as FakeTimer;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (order(heap[parent] as FakeTimer, timer) <= 0) break;
      heap[index] = heap[parent] as FakeTimer;
      index = parent;
    }
    heap[index] = timer;
  }

  #down(): void {
    const heap = this.#heap;
    const timer = heap[0] as FakeTimer;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && order(heap[child + 1] as FakeTimer, heap[child] as FakeTimer) < 0) child++;
      if (order(timer, heap[child] as FakeTimer) <= 0) break;
      heap[index] = heap[child] as FakeTimer;
      index = child;
    }
    heap[index] = timer;
  }
}

function order(one: FakeTimer, other: FakeTimer): number {
  return one.dueMs - other.dueMs || one.sequence - other.sequence;
}

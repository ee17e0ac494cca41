/** Values of consecutive revisions: appended at the end, dropped at the front, read by revision. All in constant time. */
export class DenseLog<T> {
  #values: (T | undefined)[] = [];
  /** Revision of the first slot; slots before #first are empty. */
  #base: number;
  #first: number;

  constructor(firstRevision: number) {
    this.#base = firstRevision;
    this.#first = firstRevision;
  }

  /** The revision of the oldest value, or of the next to come when there is none. */
  get firstRevision(): number {
    return this.#first;
  }

  get nextRevision(): number {
    return this.#base + this.#values.length;
  }

  get length(): number {
    return this.nextRevision - this.#first;
  }

  push(value: T): void {
    this.#values.push(value);
  }

  get(revision: number): T | undefined {
    return this.#values[revision - this.#base];
  }

  /** At most `count` values from `revision` on, which must not be below `firstRevision`. */
  slice(revision: number, count: number): T[] {
    const start = revision - this.#base;
    return this.#values.slice(start, start + count) as T[];
  }

  /** Drops the values of all revisions below `revision`. */
  dropBefore(revision: number): void {
    const first = Math.min(revision, this.nextRevision);
    for (; this.#first < first; this.#first++) this.#values[this.#first - this.#base] = undefined;
    const unused = this.#first - this.#base;
    if (unused < SLACK_SLOTS || unused * 2 < this.#values.length) return;
    this.#values = this.#values.slice(unused);
    this.#base = this.#first;
  }
}

/** Empty slots at the front are given back when there are so many and they are the greater half. */
const SLACK_SLOTS = 1_024;

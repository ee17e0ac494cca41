interface Late {
  load(): Promise<void>;
}

const known: Late[] = [];

/** Loads all that there are: for processes whose time is not the machine's, in which loading would take none or forever. */
export async function loadLateModules(): Promise<void> {
  for (const late of known) await late.load();
}

/**
 * A module that is loaded before it is needed, by those who know that it will be, and used without a promise then. For parts that few
 * processes need: bundles keep them in chunks of their own.
 */
export class LateModule<T> implements Late {
  readonly #import: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #module: T | undefined;

  constructor(load: () => Promise<T>) {
    this.#import = load;
    known.push(this);
  }

  readonly load = async (): Promise<void> => {
    this.#module ??= await (this.#loading ??= this.#import());
  };

  /** Throws when nobody has loaded it. */
  get module(): T {
    if (this.#module === undefined) throw new Error('a module is used before it is loaded');
    return this.#module;
  }
}

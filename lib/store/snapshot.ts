import { sortKey } from './keys.js';

/**
 * Rolls a scan of the present back to an earlier state.
 *
 * `current` is in key order. `undone` holds, for every key that an event touched since, what has to be restored, or
 * undefined where nothing was. Yields in key order; nothing is restored before it is reached.
 */
export function* rollBack<T extends { readonly key: string }, U>(
  current: Iterable<T>,
  undone: ReadonlyMap<string, U | undefined>,
  restore: (key: string, undo: U) => T,
): Generator<T, undefined> {
  const restored: { key: string; sort: string; undo: U }[] = [];
  for (const [key, undo] of undone) if (undo !== undefined) restored.push({ key, sort: sortKey(key), undo });
  restored.sort((a, b) => (a.sort < b.sort ? -1 : 1));

  let next = 0;
  for (const object of current) {
    if (undone.has(object.key)) continue;
    const sort = sortKey(object.key);
    for (let entry = restored[next]; entry !== undefined && entry.sort < sort; entry = restored[next]) {
      next++;
      yield restore(entry.key, entry.undo);
    }
    yield object;
  }
  for (const entry of restored.slice(next)) yield restore(entry.key, entry.undo);
}

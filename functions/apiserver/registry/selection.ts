import type { Attributes } from './objects.js';
import type { Resource } from './catalog.js';
import type { SelectionIndex } from './watch-hub.js';

/** Which objects of a collection a list or watch is about. */
export interface Selection {
  /** No selectors: every object under the prefix. */
  readonly everything: boolean;
  /** Of the store's keys. */
  readonly prefix: string;
  /** What narrows it for the watch hub; undefined: it must see every event. */
  readonly index: SelectionIndex | undefined;
  matches(attributes: Attributes): boolean;
}

export function readSelection(
  _resource: Resource,
  namespace: string,
  _options: { labelSelector: string; fieldSelector: string },
): Selection {
  return {
    everything: true,
    prefix: namespace === '' ? '' : `${namespace}/`,
    index: namespace === '' ? undefined : { namespace },
    matches: () => true,
  };
}

import type { ChangeEvent } from '../../lib/store/store.js';

/** An event as the model keeps it; bodies as text. */
export interface ModelEvent {
  revision: number;
  key: string;
  type: ChangeEvent['type'];
  body: string;
  previous: string | undefined;
  timeMs: number;
}

export interface ModelObject {
  key: string;
  revision: number;
  body: string;
}

/** What a collection has to be, in the plainest way: all that ever happened, and every state it was in. */
export class PlainModel {
  readonly events: ModelEvent[] = [];
  /** States by revision, from 1 on. */
  readonly #states: ReadonlyMap<string, ModelObject>[] = [new Map()];

  get revision(): number {
    return this.events.length + 1;
  }

  at(revision: number): ReadonlyMap<string, ModelObject> {
    const state = this.#states[revision - 1];
    if (state === undefined) throw new Error(`the model never was at revision ${revision}`);
    return state;
  }

  get present(): ReadonlyMap<string, ModelObject> {
    return this.at(this.revision);
  }

  append(change: { key: string; body: string; deletes: boolean; timeMs: number }): void {
    const { key, body, deletes, timeMs } = change;
    const previous = this.present.get(key);
    const revision = this.revision + 1;
    const type = deletes ? 'deleted' : previous === undefined ? 'created' : 'updated';
    const state = new Map(this.present);
    if (deletes) state.delete(key);
    else state.set(key, { key, revision, body });
    this.events.push({ revision, key, type, body, previous: previous?.body, timeMs });
    this.#states.push(state);
  }

  /** What a list of that moment answers. */
  listed(revision: number, prefix: string, afterKey = ''): ModelObject[] {
    return [...this.at(revision).values()]
      .filter(({ key }) => key.startsWith(prefix) && compareBytes(key, afterKey) > 0)
      .sort((a, b) => compareBytes(a.key, b.key));
  }

  /** Whether an event must still be in the log. */
  mustBeKept(event: ModelEvent, nowMs: number, retention: { retentionMs: number; eventsMax: number }): boolean {
    return event.timeMs >= nowMs - retention.retentionMs && event.revision > this.revision - retention.eventsMax;
  }
}

const encoded = new Map<string, Buffer>();

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(bytesOf(a), bytesOf(b));
}

/** The same few keys are compared over and over. */
function bytesOf(key: string): Buffer {
  let bytes = encoded.get(key);
  if (bytes === undefined) encoded.set(key, (bytes = Buffer.from(key)));
  return bytes;
}

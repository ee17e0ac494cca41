import { INLINE, OMIT_EMPTY, OMIT_ZERO, type MessageTable } from '../../lib/schema/protobuf/message-table.js';
import type { Facts } from './facts.js';

/** What the protobuf codec needs of the facts. */
export function buildMessages(facts: Facts): MessageTable {
  const table: MessageTable = {};
  for (const [name, definition] of facts) {
    if (definition.items !== undefined) table[name] = { items: definition.items };
    else {
      table[name] = Object.entries(definition.fields ?? {}).map(([field, about]) => [
        field,
        about.number ?? 0,
        about.type,
        (about.omitempty === true ? OMIT_EMPTY : '') +
          (about.omitzero === true ? OMIT_ZERO : '') +
          (about.inline === true ? INLINE : ''),
      ]);
    }
  }
  return table;
}

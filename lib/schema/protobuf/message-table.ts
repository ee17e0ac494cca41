/**
 * How messages stand on the wire, as lib/schema/generated/protobuf.json holds it. Types are in Go's notation:
 * `*int32`, `[]string`, `map[string]bytes`, a message by its definition's name.
 */
export type MessageTable = Record<string, MessageRow>;

/** Fields in the order of Kubernetes' own JSON, or the element type of a list that is a message of its own. */
export type MessageRow = FieldRow[] | { items: string };

/** `number` is 0 for a field that is not on the wire. */
export type FieldRow = [name: string, number: number, type: string, flags: FieldFlags];

/** Letters: `e` dropped from JSON when empty, `z` dropped when zero, `i` an embedded message whose fields JSON has among the others. */
export type FieldFlags = string;

export const OMIT_EMPTY = 'e';
export const OMIT_ZERO = 'z';
export const INLINE = 'i';

import type { CelUint } from './values.js';

/** What the parser makes of a text. `position` is where cel-go reports faults of the node. */
export type Expression =
  | LiteralExpression
  | IdentExpression
  | SelectExpression
  | CallExpression
  | ListExpression
  | MapExpression
  | StructExpression;

interface Node {
  readonly position: number;
  /** How deep the tree below is, itself included. */
  readonly depth: number;
}

export interface LiteralExpression extends Node {
  readonly kind: 'literal';
  readonly value: boolean | bigint | number | string | null | Uint8Array | CelUint;
}

export interface IdentExpression extends Node {
  readonly kind: 'ident';
  readonly name: string;
}

/** `a.b`, or `a.?b` where `optional`. */
export interface SelectExpression extends Node {
  readonly kind: 'select';
  readonly operand: Expression;
  readonly field: string;
  readonly optional: boolean;
}

/** Operators go by cel-go's names: `_+_`, `_[_]`, `!_`, `_?_:_`. `_&&_` and `_||_` take any number of operands. */
export interface CallExpression extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Expression | undefined;
  readonly args: readonly Expression[];
}

export interface ListExpression extends Node {
  readonly kind: 'list';
  readonly elements: readonly { value: Expression; optional: boolean }[];
}

export interface MapExpression extends Node {
  readonly kind: 'map';
  readonly entries: readonly { key: Expression; value: Expression; optional: boolean }[];
}

export interface StructExpression extends Node {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly { name: string; value: Expression; optional: boolean; position: number }[];
}

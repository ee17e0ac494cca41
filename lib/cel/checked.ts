import type { Overload } from './overload.js';
import type { CelType } from './types.js';
import type { CelValue } from './values.js';

export type MacroName =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'sortBy';

/** An expression whose types are known. Types may still hold parameters until `CheckedTree.resolve` has been asked. */
export type Checked = { type: CelType; readonly position: number } & (
  | { readonly kind: 'literal'; readonly value: CelValue }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'local'; readonly slot: number }
  | {
      readonly kind: 'select';
      readonly operand: Checked;
      readonly field: string;
      readonly optional: boolean;
      /** `has(a.b)`. */
      readonly test: boolean;
    }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly overloads: readonly Overload[];
      readonly args: readonly Checked[];
    }
  | { readonly kind: 'logical'; readonly isAnd: boolean; readonly args: readonly Checked[] }
  | { readonly kind: 'conditional'; readonly condition: Checked; readonly yes: Checked; readonly no: Checked }
  | { readonly kind: 'list'; readonly elements: readonly { value: Checked; optional: boolean }[] }
  | { readonly kind: 'map'; readonly entries: readonly { key: Checked; value: Checked; optional: boolean }[] }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly fields: readonly { key: string; value: Checked; optional: boolean }[];
    }
  | {
      readonly kind: 'comprehension';
      readonly macro: MacroName;
      readonly range: Checked;
      /** Of the element, or of index or key and the element. */
      readonly slots: readonly number[];
      readonly predicate: Checked | undefined;
      readonly transform: Checked | undefined;
    }
  | {
      readonly kind: 'optMap';
      readonly operand: Checked;
      readonly slot: number;
      readonly body: Checked;
      readonly flat: boolean;
    }
);

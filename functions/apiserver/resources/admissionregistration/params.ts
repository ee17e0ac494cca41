import type { V1ParamKind, V1ParamRef } from '../../../../lib/schema/generated/types.js';
import { labelSelectorText } from '../shared/columns.js';

/** Cell of the kind of objects that parameterise a policy. */
export function paramKindText(paramKind: V1ParamKind | undefined): string {
  return paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`;
}

/** Cell of the objects a binding takes its parameters from. Whether they are namespaced is not known here: `*` stands for any namespace. */
export function paramRefText(paramRef: V1ParamRef | undefined): string {
  if (paramRef === undefined) return '<unset>';
  if (paramRef.name) return `${paramRef.namespace || '*'}/${paramRef.name}`;
  return paramRef.selector === undefined ? '<unset>' : labelSelectorText(paramRef.selector);
}

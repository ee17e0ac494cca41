import { compareText } from './label-requirement.js';
import { SELECTOR_MAX_CHARACTERS, SelectorError } from './selector-error.js';

export interface FieldTerm {
  readonly field: string;
  readonly value: string;
  /** `!=` */
  readonly isNegated: boolean;
}

export interface FieldSelector {
  /** All must hold; none: matches everything. */
  readonly terms: readonly FieldTerm[];
}

/** The selector of `metadata.name=a,status.phase!=Running`: `=`, `==`, `!=`, with `\\`, `\,` and `\=` in values. Throws `SelectorError`. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.length > SELECTOR_MAX_CHARACTERS) {
    throw new SelectorError(
      `the selector is ${text.length} characters long, but at most ${SELECTOR_MAX_CHARACTERS} are accepted`,
    );
  }
  const parts = splitTerms(text).toSorted(compareText);
  const terms = parts.filter((part) => part !== '').map((part) => parseTerm(text, part));
  return { terms: terms.filter(({ field, value }) => field !== '' || value !== '') };
}

function splitTerms(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isEscaped = false;
  for (let at = 0; at < text.length; at++) {
    if (isEscaped) isEscaped = false;
    else if (text[at] === '\\') isEscaped = true;
    else if (text[at] === ',') {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parseTerm(selector: string, term: string): FieldTerm {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
  if (match === null) throw new SelectorError(`invalid selector: '${selector}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  return { field, value: unescapeValue(value), isNegated: operator === '!=' };
}

function unescapeValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  let value = '';
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    if (character === ',' || character === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${character.codePointAt(0)}`);
    }
    if (character !== '\\') {
      value += character;
      continue;
    }
    const escaped = characters[++at] ?? '';
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw new SelectorError(`invalid field selector: invalid escape sequence: \\${escaped}`);
    }
    value += escaped;
  }
  return value;
}

/** Whether an object whose fields `get` reads (as text; empty when absent) is selected. */
export function matchesFieldSelector(selector: FieldSelector, get: (field: string) => string): boolean {
  for (const { field, value, isNegated } of selector.terms) {
    if ((get(field) === value) === isNegated) return false;
  }
  return true;
}

/** The value a selector demands of a field, when it demands one. */
export function requiredFieldValue(selector: FieldSelector, field: string): string | undefined {
  return selector.terms.find((term) => term.field === field && !term.isNegated)?.value;
}

export function fieldSelectorToString(selector: FieldSelector): string {
  return selector.terms
    .map(({ field, value, isNegated }) => `${field}${isNegated ? '!=' : '='}${value.replace(/[\\,=]/g, '\\$&')}`)
    .join(',');
}

/** The fields of kinds that have no others of their own. */
export const DEFAULT_SELECTABLE_FIELDS: readonly string[] = ['metadata.name', 'metadata.namespace'];

/**
 * Throws `SelectorError` for a field that the kind cannot be selected by. Kinds with own selectable fields refuse with other words than
 * those without (`supported` undefined).
 */
export function requireSelectableFields(selector: FieldSelector, supported?: readonly string[]): void {
  for (const { field } of selector.terms) {
    if ((supported ?? DEFAULT_SELECTABLE_FIELDS).includes(field)) continue;
    throw new SelectorError(
      supported === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    );
  }
}

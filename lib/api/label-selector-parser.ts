import { invalid } from './field-errors.js';
import {
  BINARY_OPERATORS,
  compareText,
  labelRequirement,
  type LabelOperator,
  type LabelRequirement,
} from './label-requirement.js';
import { isQualifiedName } from './names.js';
import { SELECTOR_MAX_CHARACTERS, SelectorError } from './selector-error.js';

type TokenKind =
  | 'identifier'
  | 'end'
  | 'error'
  | ')'
  | '('
  | ','
  | '!'
  | '=='
  | '='
  | '>'
  | '<'
  | '!='
  | 'in'
  | 'notin';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const SPECIAL = new Set(['=', '!', '(', ')', ',', '>', '<']);
const SYMBOLS = new Set<string>([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const WHITESPACE = new Set([' ', '\t', '\r', '\n']);
const OPERATORS: Partial<Record<TokenKind, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/**
 * The requirements of `a=b,c!=d,e in (x,y),!f,g,h notin (z),i>1`, ordered by key, by the grammar and in the error words of
 * apimachinery's labels. Throws `SelectorError`.
 */
export function parseLabelRequirements(text: string): LabelRequirement[] {
  if (text.length > SELECTOR_MAX_CHARACTERS) {
    throw new SelectorError(
      `the selector is ${text.length} characters long, but at most ${SELECTOR_MAX_CHARACTERS} are accepted`,
    );
  }
  return new Parser(scan(text)).parse().toSorted((left, right) => compareText(left.key, right.key));
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (WHITESPACE.has(text[at] ?? '')) at++;
    const character = text[at];
    if (character === undefined || character === '\0') {
      tokens.push({ kind: 'end', text: '' });
      return tokens;
    }
    const token = SPECIAL.has(character) ? scanSymbol(text, at) : scanWord(text, at);
    tokens.push(token);
    at += token.text.length;
  }
}

/** The longest symbol that starts here. */
function scanSymbol(text: string, at: number): Token {
  const pair = text.slice(at, at + 2);
  if (SYMBOLS.has(pair)) return { kind: pair as TokenKind, text: pair };
  const single = text[at] as string;
  return { kind: single as TokenKind, text: single };
}

function scanWord(text: string, start: number): Token {
  let end = start;
  while (
    end < text.length &&
    text[end] !== '\0' &&
    !SPECIAL.has(text[end] as string) &&
    !WHITESPACE.has(text[end] as string)
  ) {
    end++;
  }
  const word = text.slice(start, end);
  return { kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word };
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'end') return requirements;
      if (token.kind !== 'identifier' && token.kind !== '!') {
        throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const separator = this.#take();
      if (separator.kind === 'end') return requirements;
      if (separator.kind !== ',') {
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`);
      }
      const following = this.#peek();
      if (following.kind !== 'identifier' && following.kind !== '!') {
        throw new SelectorError(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }

  /** The next token; `in` and `notin` are words like others wherever no operator is expected. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #requirement(): LabelRequirement {
    try {
      const { key, operator } = this.#keyAndOperator();
      if (operator !== undefined) return labelRequirement(key, operator, []);
      const binary = this.#operator();
      const values = binary === 'in' || binary === 'notin' ? this.#values() : [this.#exactValue()];
      return labelRequirement(key, binary, [...new Set(values)].toSorted(compareText));
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`);
      throw error;
    }
  }

  /** The operator is known already for `!key`, and for `key` before a comma or the end. */
  #keyAndOperator(): { key: string; operator: LabelOperator | undefined } {
    let token = this.#take();
    const isNegated = token.kind === '!';
    if (isNegated) token = this.#take();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    const messages = isQualifiedName(token.text);
    if (messages.length > 0) {
      const { field, body } = invalid('<nil>', token.text, messages.join('; '));
      throw new SelectorError(`${field}: ${body}`);
    }
    const following = this.#peek().kind;
    const isAlone = following === 'end' || following === ',';
    return { key: token.text, operator: isNegated ? '!' : isAlone ? 'exists' : undefined };
  }

  #operator(): LabelOperator {
    const token = this.#tokens[Math.min(this.#next++, this.#tokens.length - 1)] as Token;
    const operator = OPERATORS[token.kind];
    if (operator === undefined) {
      throw new SelectorError(`found '${token.text}', expected: ${BINARY_OPERATORS.join(', ')}`);
    }
    return operator;
  }

  #exactValue(): string {
    const { kind } = this.#peek();
    if (kind === 'end' || kind === ',') return '';
    const token = this.#take();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #values(): string[] {
    const open = this.#take();
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ')') {
      this.#take();
      return [''];
    }
    if (first.kind !== 'identifier' && first.kind !== ',') {
      throw new SelectorError(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values = this.#list();
    if (this.#take().kind !== ')') throw new SelectorError(`found '${first.text}', expected: ')'`);
    return values;
  }

  /** Values up to the closing parenthesis; nothing before, between or behind commas is an empty value. */
  #list(): string[] {
    const values: string[] = [];
    for (;;) {
      const token = this.#take();
      const following = this.#peek();
      if (token.kind === 'identifier') {
        values.push(token.text);
        if (following.kind === ')') return values;
        if (following.kind !== ',') throw new SelectorError(`found '${following.text}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (values.length === 0) values.push('');
        if (following.kind === ')') return [...values, ''];
        if (following.kind === ',') values.push('');
      } else {
        throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }
}

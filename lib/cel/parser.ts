import type { Expression } from './expression.js';
import { CelSyntaxError, type Token, tokenize } from './lexer.js';
import { EXPRESSION_CODE_POINTS_MAX, EXPRESSION_DEPTH_MAX } from './limits.js';
import { textLength } from './text.js';

const RESERVED = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const BINARY_LEVELS: readonly (readonly string[])[] = [
  ['<', '<=', '>=', '>', '==', '!=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];
const INT64_MIN_MAGNITUDE = 1n << 63n;

/** Reads an expression. Throws `CelSyntaxError`. */
export function parseExpression(source: string): Expression {
  if (source.length > EXPRESSION_CODE_POINTS_MAX) {
    const size = textLength(source);
    if (size > EXPRESSION_CODE_POINTS_MAX)
      throw new CelSyntaxError(
        `expression code point size exceeds limit: size: ${size}, limit ${EXPRESSION_CODE_POINTS_MAX}`,
        0,
      );
  }
  return new Parser(tokenize(source)).parse();
}

type Draft = Expression extends infer One ? (One extends Expression ? Omit<One, 'depth'> : never) : never;

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#expression();
    const rest = this.#peek();
    if (rest.kind !== 'end')
      throw this.#unexpected(rest, rest.kind === 'punctuation' ? 'mismatched input' : 'extraneous input');
    return expression;
  }

  #expression(): Expression {
    if (++this.#depth > EXPRESSION_DEPTH_MAX) throw tooDeep(this.#peek().position);
    const condition = this.#logical('||', '_||_', () => this.#logical('&&', '_&&_', () => this.#binary(0)));
    let result = condition;
    const mark = this.#peek();
    if (this.#take('?')) {
      const yes = this.#logical('||', '_||_', () => this.#logical('&&', '_&&_', () => this.#binary(0)));
      this.#expect(':');
      const no = this.#expression();
      result = call('_?_:_', [condition, yes, no], mark.position);
    }
    this.#depth--;
    return result;
  }

  #logical(mark: string, name: string, operand: () => Expression): Expression {
    const first = operand();
    const position = this.#peek().position;
    if (!this.#is(mark)) return first;
    const args = [first];
    while (this.#take(mark)) args.push(operand());
    return call(name, args, position);
  }

  #binary(level: number): Expression {
    const marks = BINARY_LEVELS[level];
    if (marks === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'literal' || token.quoted === true || !marks.includes(token.text)) return left;
      this.#at++;
      const right = this.#binary(level + 1);
      left = call(token.text === 'in' ? '@in' : `_${token.text}_`, [left, right], token.position);
    }
  }

  #unary(): Expression {
    const token = this.#peek();
    if (!this.#is('!') && !this.#is('-')) return this.#member();
    let count = 0;
    while (this.#take(token.text)) count++;
    const next = this.#peek();
    const value = next.value;
    if (token.text === '-' && (typeof value === 'bigint' || typeof value === 'number')) {
      this.#at++;
      const negative = typeof value === 'bigint' ? -value : -value;
      const negated = node({ kind: 'literal', value: negative, position: token.position });
      const whole = this.#postfix(negated);
      return count % 2 === 0 ? call('-_', [whole], token.position) : whole;
    }
    const operand = this.#member();
    return count % 2 === 0 ? operand : call(token.text === '!' ? '!_' : '-_', [operand], token.position);
  }

  #member(): Expression {
    return this.#postfix(this.#primary());
  }

  #postfix(first: Expression): Expression {
    let operand = first;
    for (;;) {
      const mark = this.#peek();
      if (this.#take('.')) {
        const optional = this.#take('?');
        const name = this.#next();
        if (name.kind !== 'ident') throw this.#unexpected(name, 'mismatched input');
        const open = this.#peek();
        if (!optional && this.#take('(')) {
          const args = this.#list(')');
          operand = node({ kind: 'call', name: name.text, target: operand, args, position: open.position });
        } else operand = node({ kind: 'select', operand, field: name.text, optional, position: mark.position });
      } else if (this.#take('[')) {
        const optional = this.#take('?');
        const index = this.#expression();
        this.#expect(']');
        operand = call(optional ? '_[?_]' : '_[_]', [operand, index], mark.position);
      } else if (this.#is('{')) {
        const name = typeName(operand);
        if (name === undefined) return operand;
        this.#at++;
        operand = node({ kind: 'struct', name, fields: this.#fields(), position: mark.position });
      } else return operand;
    }
  }

  #primary(): Expression {
    const token = this.#next();
    const { position } = token;
    if (token.kind === 'literal') {
      if (token.value === INT64_MIN_MAGNITUDE) throw new CelSyntaxError('invalid int literal', position);
      return node({ kind: 'literal', value: token.value ?? null, position });
    }
    if (token.kind === 'ident') return this.#identifier(token);
    if (token.text === '.') return this.#identifier(this.#next());
    if (token.text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[') return node({ kind: 'list', elements: this.#elements(), position });
    if (token.text === '{') return node({ kind: 'map', entries: this.#entries(), position });
    throw this.#unexpected(token, 'mismatched input');
  }

  #identifier(token: Token): Expression {
    const { position, text } = token;
    if (token.kind !== 'ident' || token.quoted === true) throw this.#unexpected(token, 'mismatched input');
    if (text === 'true' || text === 'false') return node({ kind: 'literal', value: text === 'true', position });
    if (text === 'null') return node({ kind: 'literal', value: null, position });
    if (text === 'in') throw this.#unexpected(token, 'mismatched input');
    if (RESERVED.has(text)) throw new CelSyntaxError(`reserved identifier: ${text}`, position);
    const open = this.#peek();
    if (this.#take('(')) return call(text, this.#list(')'), open.position);
    return node({ kind: 'ident', name: text, position });
  }

  #list(close: string): Expression[] {
    const found: Expression[] = [];
    while (!this.#take(close)) {
      found.push(this.#expression());
      if (!this.#take(',') && !this.#is(close)) throw this.#unexpected(this.#peek(), 'mismatched input');
    }
    return found;
  }

  #elements(): { value: Expression; optional: boolean }[] {
    const found: { value: Expression; optional: boolean }[] = [];
    while (!this.#take(']')) {
      const optional = this.#take('?');
      found.push({ value: this.#expression(), optional });
      if (!this.#take(',') && !this.#is(']')) throw this.#unexpected(this.#peek(), 'mismatched input');
    }
    return found;
  }

  #entries(): { key: Expression; value: Expression; optional: boolean }[] {
    const found: { key: Expression; value: Expression; optional: boolean }[] = [];
    while (!this.#take('}')) {
      const optional = this.#take('?');
      const key = this.#expression();
      this.#expect(':');
      found.push({ key, value: this.#expression(), optional });
      if (!this.#take(',') && !this.#is('}')) throw this.#unexpected(this.#peek(), 'mismatched input');
    }
    return found;
  }

  #fields(): { name: string; value: Expression; optional: boolean; position: number }[] {
    const found: { name: string; value: Expression; optional: boolean; position: number }[] = [];
    while (!this.#take('}')) {
      const optional = this.#take('?');
      const name = this.#next();
      if (name.kind !== 'ident') throw this.#unexpected(name, 'mismatched input');
      const colon = this.#peek();
      this.#expect(':');
      found.push({ name: name.text, value: this.#expression(), optional, position: colon.position });
      if (!this.#take(',') && !this.#is('}')) throw this.#unexpected(this.#peek(), 'mismatched input');
    }
    return found;
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] ?? { kind: 'end', text: '<EOF>', position: 0 };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #is(mark: string): boolean {
    const token = this.#peek();
    return token.kind === 'punctuation' && token.text === mark;
  }

  #take(mark: string): boolean {
    if (!this.#is(mark)) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    const token = this.#peek();
    if (this.#take(mark)) return;
    throw token.kind === 'end'
      ? new CelSyntaxError(`Syntax error: missing '${mark}' at '<EOF>'`, token.position)
      : this.#unexpected(token, 'mismatched input');
  }

  #unexpected(token: Token, what: string): CelSyntaxError {
    const shown = token.text === '' ? JSON.stringify(token.value ?? '') : token.text;
    const expecting =
      what === 'extraneous input'
        ? 'expecting <EOF>'
        : "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    return new CelSyntaxError(`Syntax error: ${what} '${shown}' ${expecting}`, token.position);
  }
}

function node(draft: Draft): Expression {
  let depth = 0;
  for (const child of childrenOf(draft)) depth = Math.max(depth, child.depth);
  if (depth >= EXPRESSION_DEPTH_MAX) throw tooDeep(draft.position);
  return { ...draft, depth: depth + 1 };
}

function call(name: string, args: readonly Expression[], position: number): Expression {
  return node({ kind: 'call', name, target: undefined, args, position });
}

function childrenOf(draft: Draft): readonly Expression[] {
  switch (draft.kind) {
    case 'select':
      return [draft.operand];
    case 'call':
      return draft.target === undefined ? draft.args : [draft.target, ...draft.args];
    case 'list':
      return draft.elements.map(({ value }) => value);
    case 'map':
      return draft.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return draft.fields.map(({ value }) => value);
    default:
      return [];
  }
}

/** `Object.spec` written as selections; undefined for what cannot be the name of a type. */
export function typeName(expression: Expression): string | undefined {
  if (expression.kind === 'ident') return expression.name;
  if (expression.kind !== 'select' || expression.optional) return undefined;
  const before = typeName(expression.operand);
  return before === undefined ? undefined : `${before}.${expression.field}`;
}

function tooDeep(position: number): CelSyntaxError {
  return new CelSyntaxError(`expression recursion limit exceeded: ${EXPRESSION_DEPTH_MAX}`, position);
}

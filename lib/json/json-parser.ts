import { SyntaxFault } from './errors.js';
import { INTEGER_DIGITS_MAX, JSON_DEPTH_MAX } from './limits.js';
import { setMember, type JsonPath } from './path.js';

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LONE_SURROGATE = /\p{Surrogate}/gu;

const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Told of every member as it is met, in document order; `path` is valid only during the call and leads to the member. */
export type MemberVisitor = (path: JsonPath, duplicate: boolean) => void;

/**
 * A recursive-descent JSON parser for the texts that JSON.parse would read with loss: integers beyond 2^53 become BigInt,
 * repeated members are reported, and a syntax error is worded as Go's decoder words it. About ten times slower than
 * JSON.parse, so `parseJson` calls it only where one of these matters.
 */
export class JsonParser {
  readonly #text: string;
  readonly #depthMax: number;
  readonly #visitor: MemberVisitor | undefined;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string, options: { depthMax?: number; visitor?: MemberVisitor | undefined } = {}) {
    this.#text = text;
    this.#depthMax = Math.min(options.depthMax ?? JSON_DEPTH_MAX, JSON_DEPTH_MAX);
    this.#visitor = options.visitor;
  }

  parse(): unknown {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
    return value;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== NEWLINE && code !== TAB && code !== RETURN) return;
      this.#at++;
    }
  }

  /** Refuses the character at the present place; at the end of the text there is none. */
  #fail(context: string): never {
    if (this.#at >= this.#text.length) throw new SyntaxFault('unexpected end of JSON input');
    throw new SyntaxFault(`invalid character ${quoteCharacter(this.#text.codePointAt(this.#at) as number)} ${context}`);
  }

  #value(): unknown {
    this.#skipSpace();
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      case QUOTE:
        return this.#string();
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #enter(): void {
    if (++this.#depth > this.#depthMax) this.#fail('exceeded max depth');
    this.#at++;
  }

  #object(): Record<string, unknown> {
    this.#enter();
    const object: Record<string, unknown> = {};
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== CLOSE_BRACE) this.#members(object);
    this.#at++;
    this.#depth--;
    return object;
  }

  #members(object: Record<string, unknown>): void {
    for (;;) {
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail('looking for beginning of object key string');
      const name = this.#string();
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== COLON) this.#fail('after object key');
      this.#at++;
      this.#path.push(name);
      this.#visitor?.(this.#path, Object.hasOwn(object, name));
      setMember(object, name, this.#value());
      this.#path.pop();
      this.#skipSpace();
      const code = this.#text.charCodeAt(this.#at);
      if (code === CLOSE_BRACE) return;
      if (code !== COMMA) this.#fail('after object key:value pair');
      this.#at++;
    }
  }

  #array(): unknown[] {
    this.#enter();
    const array: unknown[] = [];
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== CLOSE_BRACKET) {
      for (;;) {
        this.#path.push(array.length);
        array.push(this.#value());
        this.#path.pop();
        this.#skipSpace();
        const code = this.#text.charCodeAt(this.#at);
        if (code === CLOSE_BRACKET) break;
        if (code !== COMMA) this.#fail('after array element');
        this.#at++;
      }
    }
    this.#at++;
    this.#depth--;
    return array;
  }

  #literal<T>(word: string, value: T): T {
    for (const character of word) {
      if (this.#text[this.#at] !== character) this.#fail(`in literal ${word} (expecting '${character}')`);
      this.#at++;
    }
    return value;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) {
      if (this.#text[this.#at] !== '-') this.#fail('looking for beginning of value');
      this.#at++;
      this.#fail('in numeric literal');
    }
    const literal = match[0];
    this.#at += literal.length;
    const next = this.#text[this.#at];
    if (next === '.' && match[1] === undefined && match[2] === undefined) {
      this.#at++;
      this.#fail('after decimal point in numeric literal');
    }
    if ((next === 'e' || next === 'E') && match[2] === undefined) {
      this.#at++;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++;
      this.#fail('in exponent of numeric literal');
    }
    const isInteger = match[1] === undefined && match[2] === undefined;
    const value = Number(literal);
    if (!Number.isFinite(value) || (isInteger && literal.length > INTEGER_DIGITS_MAX + 1)) {
      throw new SyntaxFault(`json: cannot unmarshal number ${literal} into Go value of type float64`);
    }
    if (isInteger && !Number.isSafeInteger(value)) return BigInt(literal);
    return value === 0 ? 0 : value;
  }

  #string(): string {
    const start = ++this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) return this.#text.slice(start, this.#at++);
      if (code === BACKSLASH) return this.#escapedString(start);
      if (!(code >= SPACE)) this.#fail('in string literal');
      this.#at++;
    }
  }

  #escapedString(start: number): string {
    let value = this.#text.slice(start, this.#at);
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#at++;
        return value.replace(LONE_SURROGATE, '\ufffd');
      }
      if (code === BACKSLASH) {
        this.#at++;
        value += this.#escape();
      } else if (code >= SPACE) {
        value += this.#text[this.#at++];
      } else {
        this.#fail('in string literal');
      }
    }
  }

  #escape(): string {
    const kind = this.#text[this.#at] ?? '';
    if (kind !== 'u') {
      const replacement = Object.hasOwn(ESCAPES, kind) ? ESCAPES[kind] : undefined;
      if (replacement === undefined) this.#fail('in string escape code');
      this.#at++;
      return replacement;
    }
    this.#at++;
    const start = this.#at;
    for (let digit = 0; digit < 4; digit++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.#fail('in \\u hexadecimal character escape');
      this.#at++;
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(start, this.#at), 16));
  }
}

/** Go's decoder works on bytes: it names the first UTF-8 byte of a character, as a character literal. */
function quoteCharacter(codePoint: number): string {
  const byte = Buffer.from(String.fromCodePoint(codePoint))[0] as number;
  if (byte === 0x27) return `'\\''`;
  if (byte === QUOTE) return `'"'`;
  const named: Record<number, string> = {
    7: '\\a',
    8: '\\b',
    9: '\\t',
    10: '\\n',
    11: '\\v',
    12: '\\f',
    13: '\\r',
    0x5c: '\\\\',
  };
  if (named[byte] !== undefined) return `'${named[byte]}'`;
  if (byte < SPACE || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`;
  if (byte >= 0x80 && (byte < 0xa1 || byte === 0xad)) return `'\\u${byte.toString(16).padStart(4, '0')}'`;
  return `'${String.fromCharCode(byte)}'`;
}

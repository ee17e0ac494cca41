import { CelUint } from './values.js';

export type TokenKind = 'end' | 'ident' | 'literal' | 'punctuation';

export interface Token {
  readonly kind: TokenKind;
  /** The characters of an identifier or punctuation mark. */
  readonly text: string;
  readonly value?: bigint | number | string | Uint8Array | CelUint;
  readonly position: number;
  /** An identifier in back quotes. */
  readonly quoted?: boolean;
}

/** The text is no expression; turned into a compile error by the parser. */
export class CelSyntaxError extends Error {
  readonly code = 'CelSyntax';
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.name = 'CelSyntaxError';
    this.position = position;
  }
}

const NUMBER =
  /0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)|[0-9]+[uU]?/y;
const IDENT = /[A-Za-z_][A-Za-z0-9_]*/y;
const QUOTED_IDENT = /`[A-Za-z0-9_.\-/ ]+`/y;
const STRING_START = /(?:[rR][bB]?|[bB][rR]?)?(?:"""|'''|"|')/y;
const PUNCTUATION = /&&|\|\||<=|>=|==|!=|[-+*/%<>=!?:.,()[\]{}]/y;
const SKIPPED = /(?:[ \t\n\r\f]+|\/\/[^\n]*)+/y;
const SIMPLE_ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};
const INT64_LIMIT = 1n << 63n;
const UINT64_LIMIT = 1n << 64n;

/** Throws `CelSyntaxError`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  for (;;) {
    at += match(SKIPPED)?.length ?? 0;
    if (at >= source.length) break;
    const position = at;
    const opening = match(STRING_START);
    if (opening !== undefined) {
      const read = readString(source, position, opening);
      tokens.push({ kind: 'literal', text: '', value: read.value, position });
      at = read.end;
      continue;
    }
    const number = /[0-9.]/.test(source[at] ?? '') ? match(NUMBER) : undefined;
    if (number !== undefined) {
      tokens.push({ kind: 'literal', text: number, value: numberValue(number, position), position });
      at += number.length;
      continue;
    }
    const ident = match(IDENT);
    if (ident !== undefined) {
      tokens.push({ kind: 'ident', text: ident, position });
      at += ident.length;
      continue;
    }
    const quoted = match(QUOTED_IDENT);
    if (quoted !== undefined) {
      tokens.push({ kind: 'ident', text: quoted.slice(1, -1), position, quoted: true });
      at += quoted.length;
      continue;
    }
    const mark = match(PUNCTUATION);
    if (mark === undefined || mark === '=')
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${source[at] ?? ''}'`, at);
    tokens.push({ kind: 'punctuation', text: mark, position });
    at += mark.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', position: source.length });
  return tokens;
}

function numberValue(text: string, position: number): bigint | number | CelUint {
  const hexadecimal = /^0[xX]/.test(text);
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    if (value >= UINT64_LIMIT) throw new CelSyntaxError('invalid uint literal', position);
    return new CelUint(value);
  }
  if (!hexadecimal && /[.eE]/.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw new CelSyntaxError('invalid double literal', position);
    return value;
  }
  const value = BigInt(text);
  if (value > INT64_LIMIT) throw new CelSyntaxError('invalid int literal', position);
  return value;
}

function readString(source: string, position: number, opening: string): { value: string | Uint8Array; end: number } {
  const quote = /["']+$/.exec(opening)?.[0] ?? '"';
  const prefix = opening.slice(0, opening.length - quote.length).toLowerCase();
  const raw = prefix.includes('r');
  const start = position + opening.length;
  let at = start;
  while (!source.startsWith(quote, at)) {
    const char = source[at];
    if (char === undefined || (quote.length === 1 && (char === '\n' || char === '\r')))
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${source.slice(position, at)}'`, position);
    at += char === '\\' && !raw ? 2 : 1;
  }
  const body = source.slice(start, at).replace(/\r\n?/g, '\n');
  const end = at + quote.length;
  if (prefix.includes('b')) {
    return { value: raw ? new TextEncoder().encode(body) : unescapeBytes(body, position), end };
  }
  return { value: raw ? body : unescapeText(body, position), end };
}

const ESCAPE =
  /\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]?))/g;

function unescapeText(body: string, position: number): string {
  if (!body.includes('\\')) return body;
  return body.replace(ESCAPE, (_whole, simple, hex, short, long, octal) => {
    if (simple !== undefined) return SIMPLE_ESCAPES[String(simple)] ?? '';
    const digits: unknown = hex ?? short ?? long;
    if (digits === undefined && octal === undefined)
      throw new CelSyntaxError('unable to unescape string: unterminated escape sequence', position);
    const code = octal === undefined ? Number.parseInt(String(digits), 16) : Number.parseInt(String(octal), 8);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      throw new CelSyntaxError('unable to unescape string: invalid unicode code point', position);
    return String.fromCodePoint(code);
  });
}

function unescapeBytes(body: string, position: number): Uint8Array {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let at = 0;
  for (const found of body.matchAll(ESCAPE)) {
    bytes.push(...encoder.encode(body.slice(at, found.index)));
    at = found.index + found[0].length;
    const [, simple, hex, , , octal] = found;
    if (simple !== undefined) bytes.push(...encoder.encode(SIMPLE_ESCAPES[simple]));
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else throw new CelSyntaxError('unable to unescape string: unable to unescape bytes', position);
  }
  bytes.push(...encoder.encode(body.slice(at)));
  return Uint8Array.from(bytes);
}

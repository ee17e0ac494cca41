import { CelError } from '../errors.js';
import { COST_PER_CHARACTER, COST_PER_REGEX_CHARACTER } from '../meter.js';
import { asInt, asText, type CelResult, fn, method, type Overload, overTexts, sizeOf, traversal } from '../overload.js';
import type { RE2JS } from 're2js';
import { compileRegex, isMatchTooLong, isRegexFault, matchSteps } from '../../regex.js';
import { codePoints, textLength, textSlice } from '../text.js';
import { BOOL, DYN, INT, listOf, STRING } from '../types.js';
import { ArrayList, CelList, type CelValue } from '../values.js';
import { LIST_LENGTH_MAX, STRING_LENGTH_MAX } from '../limits.js';
import { formatText } from './format-text.js';

const matchCost = ([text, pattern]: readonly CelValue[]): number =>
  Math.ceil((1 + sizeOf(text)) * COST_PER_CHARACTER) * Math.ceil(sizeOf(pattern) * COST_PER_REGEX_CHARACTER);
const secondSize = ([, second]: readonly CelValue[]): number => Math.ceil(sizeOf(second) * COST_PER_CHARACTER);
const productCost = ([text, part]: readonly CelValue[]): number =>
  Math.ceil(sizeOf(text) * COST_PER_CHARACTER) * Math.ceil(sizeOf(part) * COST_PER_CHARACTER);
const resultCost = (_args: readonly CelValue[], result: CelResult): number =>
  Math.ceil(sizeOf(result) * 2 * COST_PER_CHARACTER);

/** The expression, if it can be matched with the text. */
function regexFor(text: string, pattern: string, fault = ''): RE2JS | CelError {
  const regex = compileRegex(pattern);
  if (isRegexFault(regex)) return new CelError(`${fault}${regex.message}`);
  return isMatchTooLong(regex, text) ? new CelError(TOO_LONG) : regex;
}

const TOO_LONG = 'the regular expression takes too long for a text of this length';

function matches(text: string, pattern: string): CelResult {
  const regex = regexFor(text, pattern);
  return regex instanceof CelError ? regex : regex.matcher(text).find();
}

function find(text: string, pattern: string): CelResult {
  const regex = regexFor(text, pattern, ILLEGAL);
  if (regex instanceof CelError) return regex;
  const matcher = regex.matcher(text);
  return matcher.find() ? (matcher.group() ?? '') : '';
}

const ILLEGAL = 'Illegal regex: ';
/** Instructions times characters of all matches of one text. */
const FIND_ALL_STEPS_MAX = 200_000_000;

function findAll(text: string, pattern: string, limit = -1n): CelResult {
  const regex = regexFor(text, pattern, ILLEGAL);
  if (regex instanceof CelError) return regex;
  const matcher = regex.matcher(text);
  const found: string[] = [];
  let steps = 0;
  while ((limit < 0n || found.length < Number(limit)) && found.length < LIST_LENGTH_MAX && matcher.find()) {
    found.push(matcher.group() ?? '');
    // Each may look at all that follows.
    steps += matchSteps(regex, text) - regex.programSize() * matcher.end();
    if (steps > FIND_ALL_STEPS_MAX) return new CelError(TOO_LONG);
  }
  return new ArrayList(found);
}

function charAt(text: string, index: bigint): CelResult {
  const length = textLength(text);
  if (index < 0n || index > BigInt(length)) return new CelError(`index out of range: ${index}`);
  return textSlice(text, Number(index), Number(index) + 1);
}

function search(text: string, part: string, from: bigint | undefined, last: boolean): CelResult {
  const length = textLength(text);
  if (part === '' && from === undefined) return BigInt(last ? length : 0);
  if (from !== undefined && (from < 0n || from >= BigInt(length))) {
    if (part === '' || (from >= 0n && from === BigInt(length) && !last)) return part === '' ? (from ?? 0n) : -1n;
    return new CelError(`index out of range: ${from}`);
  }
  if (text.length === length) {
    const at = from === undefined ? undefined : Number(from);
    return BigInt(last ? text.lastIndexOf(part, at) : text.indexOf(part, at));
  }
  const points = codePoints(text);
  const unit = from === undefined ? undefined : points.slice(0, Number(from)).join('').length;
  const at = last ? text.lastIndexOf(part, unit) : text.indexOf(part, unit);
  return at === -1 ? -1n : BigInt(textLength(text.slice(0, at)));
}

function substring(text: string, start: bigint, end?: bigint): CelResult {
  const length = BigInt(textLength(text));
  if (end !== undefined && start > end) return new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > length) return new CelError(`index out of range: ${start}`);
  if (end !== undefined && (end < 0n || end > length)) return new CelError(`index out of range: ${end}`);
  return textSlice(text, Number(start), end === undefined ? undefined : Number(end));
}

function replace(text: string, from: string, to: string, limit = -1n): CelResult {
  if (limit === 0n) return text;
  const pieces = from === '' ? ['', ...codePoints(text), ''] : text.split(from);
  const most = limit < 0n ? pieces.length - 1 : Math.min(Number(limit), pieces.length - 1);
  if (text.length + most * to.length > STRING_LENGTH_MAX) return new CelError('string is too long');
  const head = pieces.slice(0, most + 1).join(to);
  const rest = pieces.slice(most + 1);
  return rest.length === 0 ? head : head + from + rest.join(from);
}

function split(text: string, separator: string, limit = -1n): CelResult {
  if (limit === 0n) return new ArrayList([]);
  const pieces = separator === '' ? codePoints(text) : text.split(separator);
  if (limit < 0n || pieces.length <= Number(limit)) return new ArrayList(pieces);
  const most = Number(limit);
  return new ArrayList([...pieces.slice(0, most - 1), pieces.slice(most - 1).join(separator)]);
}

function join(list: CelValue | undefined, separator: string): CelResult {
  const pieces: string[] = [];
  let length = 0;
  for (const piece of list instanceof CelList ? list : []) {
    if (typeof piece !== 'string') return new CelError(`join: invalid input: ${String(piece)}`);
    length += piece.length + separator.length;
    if (length > STRING_LENGTH_MAX) return new CelError('string is too long');
    pieces.push(piece);
  }
  return pieces.join(separator);
}

const upper = (text: string): string => text.replace(/[a-z]+/g, (part) => part.toUpperCase());
const lower = (text: string): string => text.replace(/[A-Z]+/g, (part) => part.toLowerCase());

const QUOTES: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

export const STRINGS: readonly Overload[] = [
  method(
    'contains',
    [STRING, STRING],
    BOOL,
    overTexts((text, part = '') => text.includes(part)),
    productCost,
  ),
  method(
    'startsWith',
    [STRING, STRING],
    BOOL,
    overTexts((text, part = '') => text.startsWith(part)),
    secondSize,
  ),
  method(
    'endsWith',
    [STRING, STRING],
    BOOL,
    overTexts((text, part = '') => text.endsWith(part)),
    secondSize,
  ),
  method(
    'matches',
    [STRING, STRING],
    BOOL,
    overTexts((text, pattern = '') => matches(text, pattern)),
    matchCost,
  ),
  fn(
    'matches',
    [STRING, STRING],
    BOOL,
    overTexts((text, pattern = '') => matches(text, pattern)),
    matchCost,
  ),
  method(
    'find',
    [STRING, STRING],
    STRING,
    overTexts((text, pattern = '') => find(text, pattern)),
    matchCost,
  ),
  method(
    'findAll',
    [STRING, STRING],
    listOf(STRING),
    overTexts((text, pattern = '') => findAll(text, pattern)),
    matchCost,
  ),
  method(
    'findAll',
    [STRING, STRING, INT],
    listOf(STRING),
    ([text, pattern, limit]) => findAll(asText(text), asText(pattern), asInt(limit)),
    matchCost,
  ),
  method('charAt', [STRING, INT], STRING, ([text, index]) => charAt(asText(text), asInt(index))),
  ...(['indexOf', 'lastIndexOf'] as const).flatMap((name) => [
    method(
      name,
      [STRING, STRING],
      INT,
      overTexts((text, part = '') => search(text, part, undefined, name === 'lastIndexOf')),
      traversal(),
    ),
    method(
      name,
      [STRING, STRING, INT],
      INT,
      ([text, part, from]) => search(asText(text), asText(part), asInt(from), name === 'lastIndexOf'),
      traversal(),
    ),
  ]),
  method('lowerAscii', [STRING], STRING, overTexts(lower), traversal()),
  method('upperAscii', [STRING], STRING, overTexts(upper), traversal()),
  method(
    'trim',
    [STRING],
    STRING,
    overTexts((text) => text.trim()),
    traversal(),
  ),
  method('substring', [STRING, INT], STRING, ([text, start]) => substring(asText(text), asInt(start)), traversal()),
  method(
    'substring',
    [STRING, INT, INT],
    STRING,
    ([text, start, end]) => substring(asText(text), asInt(start), asInt(end)),
    traversal(),
  ),
  method(
    'replace',
    [STRING, STRING, STRING],
    STRING,
    overTexts((text, from = '', to = '') => replace(text, from, to)),
    replaceCost,
  ),
  method(
    'replace',
    [STRING, STRING, STRING, INT],
    STRING,
    ([text, from, to, limit]) => replace(asText(text), asText(from), asText(to), asInt(limit)),
    replaceCost,
  ),
  method(
    'split',
    [STRING, STRING],
    listOf(STRING),
    overTexts((text, separator = '') => split(text, separator)),
    traversal(2),
  ),
  method(
    'split',
    [STRING, STRING, INT],
    listOf(STRING),
    ([text, separator, limit]) => split(asText(text), asText(separator), asInt(limit)),
    traversal(2),
  ),
  method('join', [listOf(STRING)], STRING, ([list]) => join(list, ''), resultCost),
  method('join', [listOf(STRING), STRING], STRING, ([list, separator]) => join(list, asText(separator)), resultCost),
  method(
    'format',
    [STRING, listOf(DYN)],
    STRING,
    ([text, args]) => (args instanceof CelList ? formatText(asText(text), args) : ''),
    (args, result) => Math.ceil((sizeOf(args[0]) + sizeOf(result)) * COST_PER_CHARACTER),
  ),
  fn(
    'strings.quote',
    [STRING],
    STRING,
    overTexts((text) => `"${text.replace(/[\p{Cc}\\"]/gu, (char) => QUOTES[char] ?? char)}"`),
    traversal(),
  ),
  fn(
    'jsonpatch.escapeKey',
    [STRING],
    STRING,
    overTexts((text) => text.replaceAll('~', '~0').replaceAll('/', '~1')),
    traversal(),
  ),
];

function replaceCost(args: readonly CelValue[], result: CelResult): number {
  return Math.ceil((sizeOf(args[0]) + Math.max(sizeOf(args[0]), sizeOf(result))) * COST_PER_CHARACTER);
}

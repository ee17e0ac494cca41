import { JsonParser } from './json-parser.js';
import { JSON_DEPTH_MAX, STRICT_ERRORS_MAX } from './limits.js';
import { formatJsonPath } from './path.js';

export interface ParseJsonOptions {
  /** Told of every repeated member by its path (`spec.replicas`), in document order; the last one wins. */
  onDuplicateKey?: (path: string) => void;
  /** At most, and by default, `JSON_DEPTH_MAX`. */
  maxDepth?: number;
}

/** Sixteen digits may be an integer that a double cannot hold; an escaped surrogate may be unpaired, which Go replaces. */
const NEEDS_CARE = /[0-9]{16}|\\u[dD][89a-fA-F]/;
const SPACED_COLON = /"[ \t\r\n]+:/;

/**
 * Strict JSON (RFC 8259) without loss: integers beyond 2^53 become BigInt, members called `__proto__` are plain members.
 * Throws `SyntaxFault` with Go's words. Bytes are read as UTF-8, invalid ones as U+FFFD.
 */
export function parseJson(input: string | Uint8Array, options: ParseJsonOptions = {}): unknown {
  const text = decodeUtf8(input);
  const depthMax = Math.min(options.maxDepth ?? JSON_DEPTH_MAX, JSON_DEPTH_MAX);
  if (!NEEDS_CARE.test(text)) {
    const quick = parseQuickly(text, depthMax, options.onDuplicateKey !== undefined);
    if (quick !== undefined) return quick.value;
  }
  const { onDuplicateKey } = options;
  const visitor =
    onDuplicateKey === undefined
      ? undefined
      : (path: readonly (string | number)[], duplicate: boolean) => {
          if (duplicate) onDuplicateKey(formatJsonPath(path));
        };
  return new JsonParser(text, { depthMax, visitor }).parse();
}

/** `parseJson` of text that was checked when it was written: only what JSON.parse would lose is looked for. */
export function parseTrustedJson(input: Uint8Array): unknown {
  const text = decodeUtf8(input);
  return NEEDS_CARE.test(text) ? parseJson(text) : JSON.parse(text);
}

/** The text of a body. A byte order mark stays, so that the parser refuses it as Go does. */
export function decodeUtf8(input: string | Uint8Array): string {
  if (typeof input === 'string') return input;
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf8');
}

/** JSON.parse, or undefined where its answer would not do: an error to word, too deep, a repeated member, infinity. */
function parseQuickly(text: string, depthMax: number, checkDuplicates: boolean): { value: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const members = countMembers(value, depthMax);
  if (members < 0) return undefined;
  if (checkDuplicates && mayRepeatMembers(text, members)) return undefined;
  return { value };
}

/** Members of all objects in a value, or -1 when it nests too deeply or holds a number beyond every double. */
function countMembers(value: unknown, depthLeft: number): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : -1;
  if (typeof value !== 'object' || value === null) return 0;
  if (depthLeft === 0) return -1;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      const inner = countMembers(item, depthLeft - 1);
      if (inner < 0) return -1;
      count += inner;
    }
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const name in object) {
    const inner = countMembers(object[name], depthLeft - 1);
    if (inner < 0) return -1;
    count += inner + 1;
  }
  return count;
}

/**
 * A member's name in the text ends with `":`, and that pair occurs besides only where a string begins with a colon. So
 * as many pairs as members prove that none repeats. Spaces before a colon and names ending in a backslash would
 * hide a pair, so they count as doubt; escaped quotes, as in last-applied annotations, are no ends of names.
 */
function mayRepeatMembers(text: string, members: number): boolean {
  if (SPACED_COLON.test(text) || text.includes('\\\\":')) return true;
  let pairs = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) {
    if (text.charCodeAt(at - 1) !== 0x5c) pairs++;
  }
  return pairs !== members;
}

/**
 * The faults strict decoding reports, in document order and Kubernetes' words: `unknown field "spec.foo"`,
 * `duplicate field "spec.replicas"`. `unknownPaths` are those a schema found; what lies below them is not looked into.
 */
export function strictJsonErrors(input: string | Uint8Array, unknownPaths: readonly string[]): string[] {
  const unknown = new Set(unknownPaths);
  const errors = new Set<string>();
  let skippedBelow = '';
  new JsonParser(decodeUtf8(input), {
    visitor(path, duplicate) {
      if (errors.size >= STRICT_ERRORS_MAX) return;
      const text = formatJsonPath(path);
      if (skippedBelow !== '' && isBelow(text, skippedBelow)) return;
      skippedBelow = '';
      if (unknown.has(text)) {
        errors.add(`unknown field ${JSON.stringify(text)}`);
        skippedBelow = text;
      } else if (duplicate) {
        errors.add(`duplicate field ${JSON.stringify(text)}`);
      }
    },
  }).parse();
  return [...errors];
}

function isBelow(path: string, parent: string): boolean {
  return (
    path.length > parent.length &&
    path.startsWith(parent) &&
    (path[parent.length] === '.' || path[parent.length] === '[')
  );
}

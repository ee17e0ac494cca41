import type { RE2JS } from 're2js';
import { lazyPackage } from './lazy-package.js';
import { estimateRegexSize } from './regex-size.js';

/** Unicode's tables make it large, and few clusters have a pattern in a schema or an expression. */
const re2 = lazyPackage<typeof import('re2js')>('re2js');

/** Compiled regular expressions that are remembered. */
const REGEX_CACHE_MAX = 500;
/** Instructions of all of them together. */
const REGEX_CACHE_SIZE_MAX = 200_000;
/** Characters of a regular expression. */
const REGEX_LENGTH_MAX = 20_000;
/** Instructions of a regular expression; Go allows more, which takes seconds to make. */
export const REGEX_SIZE_MAX = 20_000;
/** Instructions times characters of one match: each character may have to be tried against each instruction. */
const MATCH_STEPS_MAX = 40_000_000;

const known = new Map<string, RE2JS | RegexFault>();
let knownSize = 0;

/** The text is no regular expression; `message` is Go's. */
export interface RegexFault {
  readonly message: string;
}

/** A regular expression in Go's syntax, whose matching takes time linear in the text. The last few hundred are remembered. */
export function compileRegex(pattern: string): RE2JS | RegexFault {
  const found = known.get(pattern);
  if (found !== undefined) return found;
  const made = compile(pattern);
  const size = isRegexFault(made) ? 0 : made.programSize();
  if (known.size >= REGEX_CACHE_MAX || knownSize + size > REGEX_CACHE_SIZE_MAX) {
    known.clear();
    knownSize = 0;
  }
  known.set(pattern, made);
  knownSize += size;
  return made;
}

/** What a match may take at most, in instructions times characters. */
export function matchSteps(regex: RE2JS, text: string): number {
  return regex.programSize() * text.length;
}

/** A match may take seconds, in which nobody else would be served. */
export function isMatchTooLong(regex: RE2JS, text: string): boolean {
  return matchSteps(regex, text) > MATCH_STEPS_MAX;
}

export function isRegexFault(regex: RE2JS | RegexFault): regex is RegexFault {
  return !(regex instanceof re2().RE2JS);
}

function compile(pattern: string): RE2JS | RegexFault {
  if (pattern.length > REGEX_LENGTH_MAX || estimateRegexSize(pattern) > REGEX_SIZE_MAX)
    return { message: `error parsing regexp: expression too large: \`${pattern.slice(0, 100)}…\`` };
  try {
    return re2().RE2JS.compile(pattern);
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

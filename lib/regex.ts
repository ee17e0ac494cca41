import type { RE2JS } from 're2js';
import { lazyPackage } from './lazy-package.js';

/** Unicode's tables make it large, and few clusters have a pattern in a schema or an expression. */
const re2 = lazyPackage<typeof import('re2js')>('re2js');

/** Compiled regular expressions that are remembered. */
const REGEX_CACHE_MAX = 500;
/** Characters of a regular expression. */
const REGEX_LENGTH_MAX = 20_000;

const known = new Map<string, RE2JS | RegexFault>();

/** The text is no regular expression; `message` is Go's. */
export interface RegexFault {
  readonly message: string;
}

/** A regular expression in Go's syntax, whose matching takes time linear in the text. The last few hundred are remembered. */
export function compileRegex(pattern: string): RE2JS | RegexFault {
  const found = known.get(pattern);
  if (found !== undefined) return found;
  const made = compile(pattern);
  if (known.size >= REGEX_CACHE_MAX) known.clear();
  known.set(pattern, made);
  return made;
}

export function isRegexFault(regex: RE2JS | RegexFault): regex is RegexFault {
  return !(regex instanceof re2().RE2JS);
}

function compile(pattern: string): RE2JS | RegexFault {
  if (pattern.length > REGEX_LENGTH_MAX)
    return { message: `error parsing regexp: expression too large: \`${pattern.slice(0, 100)}…\`` };
  try {
    return re2().RE2JS.compile(pattern);
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

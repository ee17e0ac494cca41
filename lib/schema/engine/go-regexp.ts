/** Classes that RE2 has inside brackets. */
const POSIX_CLASSES: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const KNOWN_MAX = 1_000;
const known = new Map<string, RegExp | undefined>();

/** A pattern of Go's syntax (RE2) as a RegExp; undefined when it is not one. The last thousand are remembered. */
export function compileGoRegExp(pattern: string): RegExp | undefined {
  if (known.has(pattern)) return known.get(pattern);
  const compiled = compile(pattern);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(pattern, compiled);
  return compiled;
}

function compile(pattern: string): RegExp | undefined {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const body = pattern
    .slice(leading?.[0].length ?? 0)
    .replace(/\(\?P</g, '(?<')
    .replace(/\[:(\^?)([a-z]+):\]/g, (whole, _negated: string, name: string) => POSIX_CLASSES[name] ?? whole)
    .replace(/\\([Az])/g, (_, edge: string) => (edge === 'A' ? '^' : '$'));
  const flags = leading?.[1] ?? '';
  for (const unicode of ['u', '']) {
    try {
      return new RegExp(body, flags + unicode);
    } catch {
      continue;
    }
  }
  return undefined;
}

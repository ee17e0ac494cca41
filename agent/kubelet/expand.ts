/**
 * Replaces `$(NAME)` as Kubernetes does in commands, arguments and environment variables. `$$` is a dollar sign, and a name that
 * `lookUp` does not know stays as it is written.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char !== '$' || at + 1 >= text.length) {
      result += char;
      continue;
    }
    const next = text[++at] as string;
    const end = next === '(' ? text.indexOf(')', at) : -1;
    if (next === '$') result += '$';
    else if (end < 0) result += `$${next}`;
    else {
      const name = text.slice(at + 1, end);
      result += lookUp(name) ?? `$(${name})`;
      at = end;
    }
  }
  return result;
}

/** The same where every name has to be known. Throws with the kubelet's words. */
export function expandStrictly(text: string, lookUp: (name: string) => string | undefined): string {
  return expand(text, (name) => {
    const value = lookUp(name);
    if (value === undefined) throw new Error(`missing value for ${JSON.stringify(name)}`);
    return value;
  });
}

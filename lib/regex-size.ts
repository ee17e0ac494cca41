/**
 * About how many instructions a regular expression in Go's syntax compiles to: its atoms, each as often as it is repeated by counts. Takes
 * time linear in the expression, which may have faults.
 */
export function estimateRegexSize(pattern: string): number {
  /** Sizes of the groups that are open, the innermost last. */
  const open = [0];
  let last = 0;
  let at = 0;
  while (at < pattern.length) {
    const character = pattern[at];
    const repeat = character === '{' ? REPEAT.exec(pattern.slice(at, at + REPEAT_LENGTH_MAX)) : null;
    if (repeat !== null) {
      const [text, least = '1', most] = repeat;
      open.push((open.pop() ?? 0) + last * Math.max(Number(most || least), 1));
      last = 0;
      at += text.length;
      continue;
    }
    open.push((open.pop() ?? 0) + last);
    last = 1;
    if (character === '(') {
      open.push(0);
      last = 0;
    } else if (character === ')' && open.length > 1) {
      last = (open.pop() ?? 0) + 1;
    } else if (character === '[') {
      at = endOfClass(pattern, at);
      continue;
    } else if (character === '\\') at++;
    at++;
  }
  return open.reduce((sum, size) => sum + size, last);
}

const REPEAT_LENGTH_MAX = 12;
const REPEAT = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/;

/** Behind the bracket that closes the class that opens at `start`. */
function endOfClass(pattern: string, start: number): number {
  let at = start + (pattern[start + 1] === '^' ? 2 : 1);
  if (pattern[at] === ']') at++;
  while (at < pattern.length && pattern[at] !== ']')
    at += pattern[at] === '\\' ? 2 : pattern.startsWith('[:', at) ? 3 : 1;
  return at + 1;
}

const CANONICAL = /^[A-Za-z0-9+/]*={0,2}$/;

/** Where base64 text is broken. `offset` is the byte that Go's decoder names. */
export interface Base64Fault {
  offset: number;
}

/** The text without line breaks and stray bits, as Go writes what it has read, or where it is broken. */
export function canonicalBase64(text: string): string | Base64Fault {
  if (!CANONICAL.test(text) || text.length % 4 !== 0) {
    const offset = faultOffset(text);
    if (offset >= 0) return { offset };
  }
  const last = text.length - (text.endsWith('==') ? 3 : text.endsWith('=') ? 2 : 0);
  const mayHoldStrayBits = last !== text.length;
  const mayHoldBreaks = text.length % 4 !== 0 || text.includes('\n') || text.includes('\r');
  return mayHoldStrayBits || mayHoldBreaks ? Buffer.from(text, 'base64').toString('base64') : text;
}

/** Reads groups of four as Go's StdEncoding does; -1 when all is well. */
function faultOffset(text: string): number {
  let at = 0;
  while (at < text.length) {
    let digits = 0;
    while (digits < 4) {
      if (at === text.length) return digits === 0 ? -1 : at - digits;
      const character = text[at++] as string;
      if (/[A-Za-z0-9+/]/.test(character)) digits++;
      else if (character !== '\n' && character !== '\r') return paddingFault(text, at, digits, character);
    }
  }
  return -1;
}

/** Behind the first character that is no digit, at `at - 1`: only a right padding at the end of the text is no fault. */
function paddingFault(text: string, at: number, digits: number, character: string): number {
  if (character !== '=' || digits < 2) return at - 1;
  let next = skipBreaks(text, at);
  if (digits === 2) {
    if (next === text.length) return text.length;
    if (text[next] !== '=') return next - 1;
    next = skipBreaks(text, next + 1);
  }
  return next < text.length ? next : -1;
}

function skipBreaks(text: string, from: number): number {
  let at = from;
  while (text[at] === '\n' || text[at] === '\r') at++;
  return at;
}

/** A text that is no time; `message` is Go's. */
export interface TimeFault {
  message: string;
}

const RFC3339 = '2006-01-02T15:04:05Z07:00';
const RFC3339_MICRO = '2006-01-02T15:04:05.000000Z07:00';
const CANONICAL_SECONDS = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;
const OFFSET = /^(?:Z|([+-])([0-9]{2}):([0-9]{2}))/;

/** The parts of both layouts in order: what the layout calls them and how many digits they have (0: literal text). */
const PARTS = [
  ['2006', 4],
  ['-', 0],
  ['01', 2],
  ['-', 0],
  ['02', 2],
  ['T', 0],
  ['15', 2],
  [':', 0],
  ['04', 2],
  [':', 0],
  ['05', 2],
] as const;

/** `metav1.Time` as Kubernetes serialises it: UTC, whole seconds. */
export function canonicalTime(text: string): string | TimeFault {
  const parsed = parse(text, RFC3339, false);
  if ('message' in parsed) return parsed;
  return CANONICAL_SECONDS.test(text) ? text : `${parsed.date.toISOString().slice(0, 19)}Z`;
}

/** `metav1.MicroTime` as Kubernetes serialises it: UTC, six digits of fraction, which the text must have as well. */
export function canonicalMicroTime(text: string): string | TimeFault {
  const parsed = parse(text, RFC3339_MICRO, true);
  if ('message' in parsed) return parsed;
  return text.endsWith('Z') ? text : `${parsed.date.toISOString().slice(0, 19)}.${parsed.fraction}Z`;
}

function parse(text: string, layout: string, micro: boolean): { date: Date; fraction: string } | TimeFault {
  const fault = (rest: string, element: string) => ({
    message: `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(rest)} as ${quote(element)}`,
  });
  const range = (what: string) => ({ message: `parsing time ${quote(text)}: ${what} out of range` });
  const numbers: number[] = [];
  let at = 0;
  for (const [element, digits] of PARTS) {
    if (digits === 0) {
      if (text[at] !== element) return fault(text.slice(at), element);
      at++;
      continue;
    }
    const part = text.slice(at, at + digits);
    if (part.length !== digits || !/^[0-9]+$/.test(part)) return fault(text.slice(at), element);
    at += digits;
    numbers.push(Number(part));
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers;
  if (month < 1 || month > 12) return range('month');
  if (hour > 23) return range('hour');
  if (minute > 59) return range('minute');
  if (second > 59) return range('second');
  const fraction = (micro ? /^\.([0-9]{6})/ : /^[.,]([0-9]+)/).exec(text.slice(at));
  if (micro && fraction === null) return fault(text.slice(at), '.000000');
  at += fraction?.[0].length ?? 0;
  const offset = OFFSET.exec(text.slice(at));
  if (offset === null) return fault(text.slice(at), 'Z07:00');
  const rest = text.slice(at + offset[0].length);
  if (rest !== '') return { message: `parsing time ${quote(text)}: extra text: ${quote(rest)}` };
  const milliseconds = Date.UTC(2000, month - 1, 1);
  const start = new Date(milliseconds);
  start.setUTCFullYear(year, month - 1, 1);
  if (day < 1 || day > daysIn(year, month)) return range('day');
  start.setUTCFullYear(year, month - 1, day);
  const sign = offset[1] === '-' ? -1 : 1;
  const minutes = offset[1] === undefined ? 0 : sign * (Number(offset[2]) * 60 + Number(offset[3]));
  start.setUTCHours(hour, minute - minutes, second, 0);
  return { date: start, fraction: fraction?.[1] ?? '' };
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

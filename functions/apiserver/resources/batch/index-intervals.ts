/** Completed or failed indexes of an Indexed job as text: `1,3-5,7`. */

type Interval = [first: number, last: number];

/** What is wrong with such a text, or how many indexes it names. */
export function countIndexes(text: string, completions: number): { count: number } | { fault: string } {
  if (text === '') return { count: 0 };
  let previous: number | undefined;
  let count = 0;
  for (const fragment of text.split(',')) {
    const interval = parseInterval(fragment, completions);
    if (typeof interval === 'string') return { fault: interval };
    const [first, last] = interval;
    if (previous !== undefined && previous >= first) return { fault: notIncreasing(previous, first) };
    count += last - first + 1;
    previous = last;
  }
  return { count };
}

/** An index that both texts name. Undefined when there is none, or when one of them is malformed. */
export function commonIndex(one: string, other: string, completions: number): number | undefined {
  const intervals = [one, other].map((text) => (text === '' ? [] : text.split(',')));
  const [first = [], second = []] = intervals.map((fragments) =>
    fragments
      .map((fragment) => parseInterval(fragment, completions))
      .filter((interval) => typeof interval !== 'string'),
  );
  for (const [a, b] of first) {
    for (const [c, d] of second) if (a <= d && c <= b) return Math.max(a, c);
  }
  return undefined;
}

function parseInterval(fragment: string, completions: number): Interval | string {
  const limits = fragment.split('-');
  if (limits.length > 2) {
    return `the fragment ${JSON.stringify(fragment)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  for (const limit of limits) {
    if (!/^[+]?[0-9]+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
  }
  const [first = 0, last = first] = limits.map(Number);
  return limits.length === 2 && first >= last ? notIncreasing(first, last) : [first, last];
}

function notIncreasing(previous: number, current: number): string {
  return `non-increasing order, previous: ${previous}, current: ${current}`;
}

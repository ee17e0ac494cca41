/**
 * What is wrong with a cron schedule, in the words of the parser that Kubernetes uses. The five fields take `*`, `?`, numbers,
 * names of months and days, ranges, steps and lists; `@hourly` and its like stand for common ones, `@every 1h30m` for a fixed delay.
 */

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);
const DURATION = /^[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/;

/** Undefined when the schedule is good. */
export function cronScheduleFault(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return descriptorFault(schedule);
  const fields = schedule.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS.length) {
    return `expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(' ')}]`;
  }
  for (const [index, bounds] of FIELDS.entries()) {
    for (const expression of (fields[index] ?? '').split(',').filter((part) => part !== '')) {
      const fault = rangeFault(expression, bounds);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function descriptorFault(schedule: string): string | undefined {
  if (DESCRIPTORS.has(schedule)) return undefined;
  if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`;
  const duration = schedule.slice('@every '.length);
  return DURATION.test(duration)
    ? undefined
    : `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
}

/** `low`, `low-high`, `*`, each with an optional `/step`. */
function rangeFault(expression: string, field: Field): string | undefined {
  const [range = '', stepText, ...tooManySteps] = expression.split('/');
  const [lowText = '', highText, ...tooManyHyphens] = range.split('-');
  const isAny = lowText === '*' || lowText === '?';
  if (!isAny && tooManyHyphens.length > 0) return `too many hyphens: ${expression}`;

  const low = isAny ? field.min : numberOf(lowText, field, expression);
  if (typeof low === 'string') return low;
  const high = isAny ? field.max : highText === undefined ? low : numberOf(highText, field, expression);
  if (typeof high === 'string') return high;

  if (tooManySteps.length > 0) return `too many slashes: ${expression}`;
  const step = stepText === undefined ? 1 : numberOf(stepText, { min: 0, max: 0 }, expression);
  if (typeof step === 'string') return step;
  const end = stepText !== undefined && highText === undefined ? field.max : high;

  if (low < field.min) return `beginning of range (${low}) below minimum (${field.min}): ${expression}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${expression}`;
  if (low > end) return `beginning of range (${low}) beyond end of range (${end}): ${expression}`;
  return step === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

/** The number, or what is wrong with it. */
function numberOf(text: string, field: Field, expression: string): number | string {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return field.min + named;
  if (!/^[-+]?\d+$/.test(text)) {
    return `failed to parse int from ${expression}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const number = Number(text);
  return number < 0 ? `negative number (${number}) not allowed: ${expression}` : number;
}

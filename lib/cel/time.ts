import { CelError } from './errors.js';
import { CelDuration, CelTimestamp } from './values.js';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
const UNIT_NS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: NS_PER_MS,
  s: NS_PER_SECOND,
  m: 60n * NS_PER_SECOND,
  h: 3_600n * NS_PER_SECOND,
};
const PART = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y;
const INT64_LIMIT = 1n << 63n;
const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds. */
const TIMESTAMP_SECONDS_MIN = -62_135_596_800n;
const TIMESTAMP_SECONDS_MAX = 253_402_300_799n;

/** Go's time.ParseDuration: `1h30m`, `-1.5s`, `0`. */
export function parseDuration(text: string): CelDuration | CelError {
  const wrong = (): CelError => new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  const negative = text.startsWith('-');
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return new CelDuration(0n);
  if (body === '') return wrong();
  let total = 0n;
  let at = 0;
  while (at < body.length) {
    PART.lastIndex = at;
    const found = PART.exec(body);
    if (found === null || ((found[1] ?? '') === '' && (found[2] ?? '') === '')) {
      return /^[0-9.]+$/.test(body.slice(at))
        ? new CelError(`time: missing unit in duration ${JSON.stringify(text)}`)
        : wrong();
    }
    const unit = UNIT_NS[found[3] ?? ''] ?? 1n;
    const fraction = (found[2] ?? '').slice(0, 18);
    if ((found[1] ?? '').length > 20) return wrong();
    total += BigInt(found[1] === '' ? 0 : (found[1] ?? 0)) * unit;
    if (fraction !== '') total += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    if (total > INT64_LIMIT) return wrong();
    at += found[0].length;
  }
  return new CelDuration(negative ? -total : total);
}

/** RFC 3339. */
export function parseTimestamp(text: string): CelTimestamp | CelError {
  const wrong = (): CelError => new CelError(`invalid timestamp ${JSON.stringify(text)}`);
  const found = TIMESTAMP.exec(text);
  if (found === null) return wrong();
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = found;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || Number(month) < 1 || Number(day) < 1) return wrong();
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return wrong();
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, '0') || '0');
  const sign = zone.startsWith('-') ? -1 : 1;
  const offsetMinutes = zone === 'Z' ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const milliseconds = BigInt(date.getTime() - offsetMinutes * 60_000);
  return timestampOf(milliseconds * NS_PER_MS + nanoseconds);
}

export function timestampOf(nanoseconds: bigint): CelTimestamp | CelError {
  const seconds = nanoseconds / NS_PER_SECOND;
  return seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX
    ? new CelError('timestamp overflow')
    : new CelTimestamp(nanoseconds);
}

export function durationOf(nanoseconds: bigint): CelDuration | CelError {
  return nanoseconds >= INT64_LIMIT || nanoseconds < -INT64_LIMIT
    ? new CelError('duration overflow')
    : new CelDuration(nanoseconds);
}

/** `string(duration)`: seconds, as protobuf's JSON has it. */
export function formatDuration({ nanoseconds }: CelDuration): string {
  const negative = nanoseconds < 0n;
  const amount = negative ? -nanoseconds : nanoseconds;
  const fraction = (amount % NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return `${negative ? '-' : ''}${amount / NS_PER_SECOND}${fraction === '' ? '' : `.${fraction}`}s`;
}

export function formatTimestamp({ nanoseconds }: CelTimestamp): string {
  const second = floorDivide(nanoseconds, NS_PER_SECOND);
  const fraction = (nanoseconds - second * NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  const base = new Date(Number(second) * 1000).toISOString().replace(/\.000Z$/, '');
  return `${base}${fraction === '' ? '' : `.${fraction}`}Z`;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

const ZONE_OFFSET = /^([+-])(\d{2}):(\d{2})$/;

/** The moment's date and time in a zone (a name or `+02:00`), as the UTC fields of a Date. */
export function inZone({ nanoseconds }: CelTimestamp, zone: string): Date | CelError {
  const milliseconds = Number(floorDivide(nanoseconds, NS_PER_MS));
  if (zone === '' || zone === 'UTC') return new Date(milliseconds);
  const offset = ZONE_OFFSET.exec(zone.replace(/^(\d)/, '+$1'));
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(milliseconds + (offset[1] === '-' ? -minutes : minutes) * 60_000);
  }
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(new Date(milliseconds));
    const number = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
    const rest = ((milliseconds % 1000) + 1000) % 1000;
    return new Date(
      Date.UTC(number('year'), number('month') - 1, number('day'), number('hour'), number('minute'), number('second')) +
        rest,
    );
  } catch {
    return new CelError(`unknown time zone ${zone}`);
  }
}

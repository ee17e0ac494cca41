import { lazyPackage } from '../../../lib/lazy-package.js';

const croner = lazyPackage<typeof import('croner')>('croner');

/** The times of a cron expression. */
export interface Schedule {
  /** The first time after `afterMs`, in milliseconds since the epoch; undefined when there is none. */
  next(afterMs: number): number | undefined;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/**
 * Reads a schedule as Kubernetes does: five fields, a name as `@hourly`, or `@every` with a duration; in the given time zone (UTC
 * without one), or in that of a `TZ=` in front. Throws an Error that says what is wrong.
 */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule {
  const prefixed = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text.trim());
  const zone = prefixed?.[1] ?? timeZone ?? 'UTC';
  const expression = prefixed?.[2] ?? text.trim();
  if (expression.startsWith('@every ')) return everySchedule(expression.slice('@every '.length));
  const { Cron } = croner();
  const cron = new Cron(expression, {
    paused: true,
    timezone: zone,
    sloppyRanges: true,
    ...(expression.startsWith('@') ? {} : { mode: '5-part' }),
  });
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

/** A constant distance, a second at least, at full seconds. */
function everySchedule(duration: string): Schedule {
  let seconds = 0;
  const rest = duration
    .trim()
    .replace(/(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)/g, (_part, amount: string, unit: string) => {
      seconds += Number(amount) * (UNIT_SECONDS[unit] ?? 0);
      return '';
    });
  if (rest !== '' || duration.trim() === '') throw new Error(`failed to parse duration @every ${duration}`);
  const distanceMs = Math.max(1, Math.floor(seconds)) * 1000;
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + distanceMs };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** RFC 3339 with seconds and the offset that the time zone has at that time: `2026-01-01T09:00:00+09:00`. */
export function formatInZone(epochMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(epochMs);
  const offset = /GMT([+-])(\d\d):(\d\d)/.exec(parts.find(({ type }) => type === 'timeZoneName')?.value ?? '');
  if (offset === null || offset[0] === 'GMT+00:00') return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
  const [, sign, hours, minutes] = offset;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return `${new Date(epochMs + offsetMs).toISOString().slice(0, 19)}${sign}${hours}:${minutes}`;
}

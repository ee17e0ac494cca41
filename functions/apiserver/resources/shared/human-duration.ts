const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_HOURS = 24;
const YEAR_DAYS = 365;

/**
 * A duration in two or three significant figures, as in the AGE column: `95s`, `4m10s`, `3h5m`, `2d3h`, `400d`, `3y20d`.
 * Up to two seconds before now count as now, since clocks differ; anything earlier is `<invalid>`.
 */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / SECOND_MS);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;

  const minutes = Math.trunc(durationMs / MINUTE_MS);
  if (minutes < 10) return twoUnits([minutes, 'm'], [seconds % 60, 's']);
  if (minutes < 180) return `${minutes}m`;

  const hours = Math.trunc(durationMs / HOUR_MS);
  if (hours < 8) return twoUnits([hours, 'h'], [minutes % 60, 'm']);
  if (hours < 2 * DAY_HOURS) return `${hours}h`;

  const days = Math.trunc(hours / DAY_HOURS);
  if (days < 8) return twoUnits([days, 'd'], [hours % DAY_HOURS, 'h']);
  if (days < 2 * YEAR_DAYS) return `${days}d`;

  const years = Math.trunc(days / YEAR_DAYS);
  return years < 8 ? twoUnits([years, 'y'], [days % YEAR_DAYS, 'd']) : `${years}y`;
}

function twoUnits([large, largeUnit]: [number, string], [small, smallUnit]: [number, string]): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

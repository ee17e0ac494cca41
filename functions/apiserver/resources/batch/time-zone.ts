import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';

const NAME_PART = /^[A-Za-z.\-_0-9+]{1,14}$/;

export function timeZoneErrors(field: string, timeZone: string): FieldError[] {
  if (timeZone === '') return [invalid(field, timeZone, 'timeZone must be nil or non-empty string')];
  const isWellFormed = timeZone
    .split('/')
    .every((part) => part !== '.' && part !== '..' && !part.startsWith('-') && NAME_PART.test(part));
  if (!isWellFormed) return [unknown(field, timeZone)];
  if (timeZone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return timeZone === 'Local'
      ? [invalid(field, timeZone, detail)]
      : [invalid(field, timeZone, detail), unknown(field, timeZone)];
  }
  return isKnown(timeZone) ? [] : [unknown(field, timeZone)];
}

function unknown(field: string, timeZone: string): FieldError {
  return invalid(field, timeZone, `unknown time zone ${timeZone}`);
}

function isKnown(timeZone: string): boolean {
  // Offsets are time zones to Intl but no names of any.
  if (/^[-+]/.test(timeZone)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
    return true;
  } catch {
    return false;
  }
}

import { isIPv4, isIPv6 } from 'node:net';
import { canonicalBase64 } from './base64.js';
import { canonicalTime } from './time.js';

/** Letters and symbols of all scripts count, as in the library that Kubernetes uses. */
const LONE_HOST = /^[A-Za-z0-9\p{S}\p{L}](?:-?[A-Za-z0-9\p{S}\p{L}]{0,62})?$/u;
const HOST_LABEL = /^[A-Za-z0-9\p{S}\p{L}](?:[A-Za-z0-9\p{S}\p{L}-]{0,61}[A-Za-z0-9\p{S}\p{L}])?$/u;
const TOP_LEVEL_DOMAIN = /^[A-Za-z\p{L}]{2,63}$/u;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}$/i;
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** The formats of strings that schemas can ask for; those that are not here are not looked at, as in Kubernetes. */
const FORMATS: Record<string, (text: string) => boolean> = {
  'date-time': (text) => typeof canonicalTime(text.replace(' ', 'T').replace(/[tz]/g, upper)) === 'string',
  date: (text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && typeof canonicalTime(`${text}T00:00:00Z`) === 'string',
  byte: (text) => text !== '' && typeof canonicalBase64(text) === 'string',
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (text) => /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text),
  uuid: (text) => UUID.test(text),
  uuid3: (text) => UUID.exec(text)?.[1] === '3',
  uuid4: (text) => UUID.exec(text)?.[1] === '4' && /^[89ab]/i.test(UUID.exec(text)?.[2] ?? ''),
  uuid5: (text) => UUID.exec(text)?.[1] === '5' && /^[89ab]/i.test(UUID.exec(text)?.[2] ?? ''),
  hostname: isHostname,
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  uri: isUri,
  duration: (text) =>
    /^[-+]?(?:[0-9]+(?:\.[0-9]*)?\s*(?:ns|us|µs|ms|s|m|h|d|w|sec|min|hr|hour|day|week|second|minute)s?\s*)+$|^0$/.test(
      text,
    ),
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => /^rgb\(\s*(?:[0-9]{1,3}\s*,\s*){2}[0-9]{1,3}\s*\)$/.test(text),
  ssn: (text) => /^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$/.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  creditcard: (text) => /^[0-9][0-9 -]{11,22}$/.test(text),
  isbn: (text) => isIsbn(text, 10) || isIsbn(text, 13),
  isbn10: (text) => isIsbn(text, 10),
  isbn13: (text) => isIsbn(text, 13),
  password: () => true,
  'k8s-short-name': (text) => text.length <= 63 && DNS_LABEL.test(text),
  'k8s-long-name': (text) => text.length <= 253 && text.split('.').every((label) => DNS_LABEL.test(label)),
};

/** Hyphens do not count in names of formats: `datetime` is `date-time`. */
const normalised = (format: string): string => format.replaceAll('-', '');
const BY_NAME: ReadonlyMap<string, (text: string) => boolean> = new Map(
  Object.entries(FORMATS).map(([name, matches]) => [normalised(name), matches]),
);

/** True when the format is not known. */
export function matchesFormat(format: string, text: string): boolean {
  return BY_NAME.get(normalised(format))?.(text) ?? true;
}

const NUMBER_FORMATS: Readonly<Record<string, readonly string[]>> = {
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
};

/** Whether values of this type are checked for, or can have, the format; a schema without a type may be of texts. */
export function isKnownFormat(format: string, type = ''): boolean {
  if (type === '' || type === 'string') return BY_NAME.has(normalised(format));
  return NUMBER_FORMATS[type]?.includes(format) === true;
}

function upper(letter: string): string {
  return letter.toUpperCase();
}

function isHostname(text: string): boolean {
  if (Buffer.byteLength(text) > 255) return false;
  const labels = text.split('.');
  if (labels.some((label) => Buffer.byteLength(label) > 63)) return false;
  if (labels.length === 1) return LONE_HOST.test(text);
  const last = labels.pop() ?? '';
  return TOP_LEVEL_DOMAIN.test(last) && labels.every((label) => HOST_LABEL.test(label));
}

function isCidr(text: string): boolean {
  const match = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  if (match === null) return false;
  const [, address = '', bits = ''] = match;
  return isIPv4(address) ? Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128;
}

function isUri(text: string): boolean {
  return /^(?:[A-Za-z][A-Za-z0-9+.-]*:.+|\/.*)$/.test(text) && !/[\s\p{Cc}]/u.test(text);
}

function isIsbn(text: string, digits: 10 | 13): boolean {
  const plain = text.replace(/[ -]/g, '');
  if (plain.length !== digits || !/^[0-9]+[0-9X]$/.test(plain)) return false;
  let sum = 0;
  for (let index = 0; index < digits; index++) {
    const value = plain[index] === 'X' ? 10 : Number(plain[index]);
    sum += value * (digits === 10 ? 10 - index : index % 2 === 0 ? 1 : 3);
  }
  return sum % (digits === 10 ? 11 : 10) === 0;
}

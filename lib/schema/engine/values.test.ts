import { describe, expect, it } from 'vitest';
import { canonicalBase64 } from './base64.js';
import { matchesFormat } from './formats.js';
import { estimateRegexSize } from '../../regex-size.js';
import { compileRegex, isRegexFault } from '../../regex.js';
import { canonicalMicroTime, canonicalTime } from './time.js';

describe('canonicalTime', () => {
  it.each([
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05Z'],
    ['2024-01-02T03:04:05.999Z', '2024-01-02T03:04:05Z'],
    ['2024-01-01T00:30:00+01:00', '2023-12-31T23:30:00Z'],
    ['2024-02-29T00:00:00-00:30', '2024-02-29T00:30:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalTime(text)).toBe(canonical);
  });

  it.each([
    ['', 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'],
    [
      '2024-1-02T03:04:05Z',
      'parsing time "2024-1-02T03:04:05Z" as "2006-01-02T15:04:05Z07:00": cannot parse "1-02T03:04:05Z" as "01"',
    ],
    ['2024-13-02T03:04:05Z', 'parsing time "2024-13-02T03:04:05Z": month out of range'],
    ['2023-02-29T03:04:05Z', 'parsing time "2023-02-29T03:04:05Z": day out of range'],
    [
      '2024-01-02T03:04:05',
      'parsing time "2024-01-02T03:04:05" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ],
    ['2024-01-02T03:04:05Zx', 'parsing time "2024-01-02T03:04:05Zx": extra text: "x"'],
  ])('refuses %j as Go does', (text, message) => {
    expect(canonicalTime(text)).toEqual({ message });
  });

  it('wants six digits of a MicroTime', () => {
    expect(canonicalMicroTime('2024-01-02T03:04:05.000010Z')).toBe('2024-01-02T03:04:05.000010Z');
    expect(canonicalMicroTime('2024-01-02T03:04:05.123456+02:00')).toBe('2024-01-02T01:04:05.123456Z');
    expect(canonicalMicroTime('2024-01-02T03:04:05Z')).toEqual({
      message:
        'parsing time "2024-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    });
  });
});

describe('canonicalBase64', () => {
  it.each([
    ['', ''],
    ['aGVsbG8=', 'aGVsbG8='],
    ['aGVs\r\nbG8=\n', 'aGVsbG8='],
    ['YR==', 'YQ=='],
  ])('%j is %j', (text, canonical) => {
    expect(canonicalBase64(text)).toBe(canonical);
  });

  it.each([
    ['a-b=', 1],
    ['YQ', 0],
    ['YQ=', 3],
    ['YQ==x', 4],
    ['=', 0],
    ['YWJj*', 4],
    ['YWJjZ', 4],
  ])('%j is broken at %d', (text, offset) => {
    expect(canonicalBase64(text)).toEqual({ offset });
  });
});

describe('matchesFormat', () => {
  it.each([
    ['date', '2024-02-29', true],
    ['date', '2023-02-29', false],
    ['ipv4', '10.0.0.1', true],
    ['ipv4', '010.0.0.1', false],
    ['ipv6', '::1', true],
    ['cidr', '10.0.0.0/33', false],
    ['mac', '00:11:22:aa:bb:cc', true],
    ['uuid4', '9f2b1c3e-0d5a-4e6f-8a7b-112233445566', true],
    ['uuid4', '9f2b1c3e-0d5a-1e6f-8a7b-112233445566', false],
    ['hostname', 'example.com', true],
    ['hostname', '-a.com', false],
    ['byte', 'YQ==', true],
    ['uri', 'https://example.com/x', true],
    ['uri', 'not a uri', false],
    ['duration', '1h30m', true],
    ['isbn10', '0306406152', true],
    ['no-such-format', 'anything', true],
  ])('%s of %j: %s', (format, text, expected) => {
    expect(matchesFormat(format, text)).toBe(expected);
  });
});

describe('estimateRegexSize', () => {
  it.each([
    'abc',
    '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$',
    '((a{1,100}){1,10})*$',
    '(?:a{1000})',
    '[]a{5}]{7,}x{2}',
    '[[:alpha:]]{3}\\{4}',
    '(a|b|cd){10,20}',
  ])('of %s is near what RE2 makes of it', (pattern) => {
    const regex = compileRegex(pattern);
    if (isRegexFault(regex)) throw new Error(regex.message);
    const estimate = estimateRegexSize(pattern);
    expect(regex.programSize()).toBeLessThan(3 * estimate + 10);
    expect(estimate).toBeLessThan(3 * regex.programSize() + 10);
  });

  it('takes expressions with faults', () => {
    for (const pattern of ['(', ')', '[', '[a', '{3}', 'a{', '\\', '(((('.repeat(1_000)])
      expect(estimateRegexSize(pattern)).toBeGreaterThanOrEqual(0);
  });
});

describe('compileRegex', () => {
  it('refuses what would take seconds to make', () => {
    for (const pattern of ['(?:a{1000})'.repeat(100), '[a-z]{500}'.repeat(1_900), '((((a{90}){10}){2})){20}']) {
      const regex = compileRegex(pattern);
      expect(isRegexFault(regex) && regex.message).toMatch('expression');
    }
  });

  it.each([
    ['^[[:alpha:]]+$', 'abc', true],
    ['(?i)^abc$', 'ABC', true],
    ['\\Aabc\\z', 'abc', true],
    ['(?P<year>[0-9]{4})', 'in 2024', true],
    ['^\\p{L}+$', 'é', true],
    ['^a$', 'a\n', false],
  ])('%s on %j: %s', (pattern, text, expected) => {
    const regex = compileRegex(pattern);
    expect(!isRegexFault(regex) && regex.matcher(text).find()).toBe(expected);
  });

  it('knows what is no pattern', () => {
    expect(isRegexFault(compileRegex('('))).toBe(true);
  });
});

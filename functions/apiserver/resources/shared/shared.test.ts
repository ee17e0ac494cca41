import { describe, expect, test } from 'vitest';
import { semanticallyEqual } from './equality.js';
import { isDns1123Label, isPortName, isQualifiedName, nameAs, isDns1123Subdomain } from './formats.js';
import { canonicalIp, cidrErrors, ipErrors, isDualStackPair } from './ip-addresses.js';
import { validateLabelSelector } from './labels.js';
import { unifiedDiff } from './unified-diff.js';

const texts = (errors: { field: string; body: string }[]): string[] =>
  errors.map(({ field, body }) => `${field}: ${body}`);

describe('formats', () => {
  test.each([
    ['a', 0],
    ['a'.repeat(63), 0],
    ['a'.repeat(64), 1],
    ['', 1],
    ['a-', 1],
    ['a.b', 1],
  ])('DNS label %s', (value, faults) => {
    expect(isDns1123Label(value)).toHaveLength(faults);
  });

  test('qualified names', () => {
    expect(isQualifiedName('example.com/Some_Name')).toEqual([]);
    expect(isQualifiedName('/name')).toEqual(['prefix part must be non-empty']);
    expect(isQualifiedName('a/b/c')[0]).toContain('a valid label key must consist of alphanumeric characters');
    expect(isQualifiedName('')[0]).toBe('name part must be non-empty');
  });

  test('port names', () => {
    expect(isPortName('http-1')).toEqual([]);
    expect(isPortName('1234')).toEqual(['must contain at least one letter (a-z)']);
    expect(isPortName('a--b')).toEqual(['must not contain consecutive hyphens']);
    expect(isPortName('sixteen-letters-')).toHaveLength(2);
  });

  test('a prefix may end in a dash', () => {
    const validate = nameAs(isDns1123Subdomain);
    expect(validate('web-', true)).toEqual([]);
    expect(validate('web-', false)).toHaveLength(1);
  });
});

describe('addresses', () => {
  test.each([
    ['10.0.0.1', []],
    ['2001:db8::1', []],
    ['010.0.0.1', ['ip: Invalid value: "010.0.0.1": must not have leading 0s']],
    ['::ffff:10.0.0.1', ['ip: Invalid value: "::ffff:10.0.0.1": must not be an IPv4-mapped IPv6 address']],
    ['x', ['ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
  ])('%s', (value, errors) => {
    expect(texts(ipErrors('ip', value))).toEqual(errors);
  });

  test.each([
    ['10.0.0.0/8', 0],
    ['fd00::/8', 0],
    ['::/0', 0],
    ['10.0.0.1/8', 1],
    ['fd00::1/64', 1],
    ['10.0.0.0/33', 1],
    ['10.0.0.0', 1],
    ['10.0.0.0/08', 1],
  ])('network %s', (value, faults) => {
    expect(cidrErrors('cidr', value)).toHaveLength(faults);
  });

  test('families', () => {
    expect(isDualStackPair(['10.0.0.1', 'fd00::1'])).toBe(true);
    expect(isDualStackPair(['10.0.0.1', '10.0.0.2'])).toBe(false);
    expect(canonicalIp('2001:DB8:0:0::1')).toBe('2001:db8::1');
  });
});

test('label selectors', () => {
  const matchExpressions = [
    { key: 'a', operator: 'In' },
    { key: 'b', operator: 'Exists', values: ['x'] },
    { key: 'c', operator: 'Like' },
  ];
  expect(texts(validateLabelSelector({ matchExpressions }, 'spec.selector'))).toEqual([
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[2].operator: Invalid value: "Like": not a valid selector operator',
  ]);
});

test('empty and absent are the same', () => {
  expect(semanticallyEqual({ a: [], b: 1 }, { b: 1 })).toBe(true);
  expect(semanticallyEqual({ b: 1 }, { a: {}, b: 1, c: null })).toBe(true);
  expect(semanticallyEqual({ a: [1] }, { a: [1, 2] })).toBe(false);
  expect(semanticallyEqual({ a: '' }, {})).toBe(false);
});

test('differences are shown with their surroundings', () => {
  const before = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9 };
  expect(unifiedDiff(before, { ...before, e: 50 })).toBe(
    '@@ -3,7 +3,7 @@\n  "b": 2,\n  "c": 3,\n  "d": 4,\n- "e": 5,\n+ "e": 50,\n  "f": 6,\n  "g": 7,\n  "h": 8,\n',
  );
  expect(unifiedDiff(before, before)).toBe('');
});

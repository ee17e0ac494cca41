import { describe, expect, it } from 'vitest';
import { deepEqual } from './equality.js';
import * as names from './names.js';

describe('formats of names', () => {
  it.each<[(value: string) => string[], string, string[]]>([
    [names.isDns1123Label, 'my-name', []],
    [names.isDns1123Label, 'a.b', ['must not contain dots']],
    [
      names.isDns1123Label,
      'A',
      [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [names.isDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
    [names.isDns1123Subdomain, 'a.b-c.d', []],
    [names.isDns1123Subdomain, 'a'.repeat(254), ['must be no more than 253 characters']],
    [
      names.isDns1035Label,
      '1a',
      [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [names.isQualifiedName, 'example.com/My_Name.1', []],
    [names.isQualifiedName, 'a'.repeat(64), ['name part must be no more than 63 bytes']],
    [names.isLabelValue, '', []],
    [names.isPathSegmentName, '..', ["may not be '..'"]],
    [names.isPathSegmentName, 'system:a/b%', ["may not contain '/'", "may not contain '%'"]],
    [names.isPortName, 'http', []],
    [
      names.isPortName,
      '-80--',
      [
        'must contain at least one letter (a-z)',
        'must not contain consecutive hyphens',
        'must not begin or end with a hyphen',
      ],
    ],
    [names.isConfigMapKey, 'a_b.C-1', []],
    [names.isConfigMapKey, '__proto__', []],
    [names.isConfigMapKey, '..a', ["must not start with '..'"]],
    [names.isRelaxedEnvVarName, '1 any/thing', []],
    [
      names.isRelaxedEnvVarName,
      'a=b',
      ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ],
    [names.isWildcardDns1123Subdomain, '*.example.com', []],
    [names.isPercent, '25%', []],
  ])('%o of %j', (rule, value, messages) => {
    expect(rule(value)).toEqual(messages);
  });

  it('looks at a generateName as if it were finished', () => {
    expect(names.nameIsDnsSubdomain('web-', true)).toEqual([]);
    expect(names.nameIsDnsSubdomain('web-', false)).toHaveLength(1);
    expect(names.nameIsPathSegment('.', true)).toEqual([]);
    expect(names.isPortNumber(0)).toEqual(['must be between 1 and 65535, inclusive']);
  });
});

describe('deepEqual', () => {
  it.each<[unknown, unknown, boolean]>([
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{ a: null }, {}, false],
    [5, 5n, true],
    [2n ** 60n, 2n ** 60n, true],
    [1.5, 1n, false],
    [[1], [1, 2], false],
    [[], {}, false],
    ['1', 1, false],
  ])('%o and %o', (left, right, expected) => {
    expect(deepEqual(left, right)).toBe(expected);
    expect(deepEqual(right, left)).toBe(expected);
  });
});

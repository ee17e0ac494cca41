import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fieldSelectorToString,
  matchesFieldSelector,
  parseFieldSelector,
  requireSelectableFields,
  requiredFieldValue,
} from './field-selector.js';
import {
  formatLabelSelector,
  labelMatcherOf,
  labelMatcherOfMap,
  labelSelectorToString,
  parseLabelSelector,
  requiredLabelValue,
  SelectorError,
  validateLabelSelector,
} from './label-selector.js';

const labels = { app: 'web', tier: 'front', n: '5', empty: '' };

describe('parseLabelSelector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app in (web, api)', true],
    ['app notin (web,api)', false],
    ['missing notin (a)', true],
    ['missing!=a', true],
    ['app', true],
    ['!app', false],
    ['!missing', true],
    ['n>4', true],
    ['n<5', false],
    ['app>1', false],
    ['empty=', true],
    ['app in ()', false],
    ['constructor', false],
  ])('%s matches: %s', (text, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected);
  });

  it('orders requirements and values', () => {
    expect(labelSelectorToString(parseLabelSelector('z notin (b,a,b), !x,c==1,a,n>3'))).toBe(
      'a,c==1,n>3,!x,z notin (a,b)',
    );
  });

  it.each([
    ['a in b', `unable to parse requirement: found 'b' expected: '('`],
    ['a in (b', `unable to parse requirement: found '', expected: ',' or ')'`],
    ['a=b,', `found '', expected: identifier after ','`],
    ['a=b c', `found 'c', expected: ',' or 'end of string'`],
    ['=b', `found '=', expected: !, identifier, or 'end of string'`],
    ['a !b', `unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt`],
    ['!=', `found '!=', expected: !, identifier, or 'end of string'`],
    [
      'n>x',
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [
      'a/b/c=d',
      `unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ],
    [
      'a=_',
      `unable to parse requirement: values[0][a]: Invalid value: "_": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
  ])('refuses %s in the words of Kubernetes', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(new SelectorError(message));
  });

  it('throws nothing but SelectorError, and prints what it read', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      'in',
      'notin',
      '=',
      '!',
      '>',
      '<',
      '(',
      ')',
      ',',
      ' ',
      'x',
      '1',
      '/',
      '-',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        try {
          const text = labelSelectorToString(parseLabelSelector(parts.join('')));
          expect(labelSelectorToString(parseLabelSelector(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
        }
      }),
      { numRuns: 3000 },
    );
    expect(() => parseLabelSelector('a'.repeat(1_000_000))).toThrow(SelectorError);
  });

  it('tells which value a label must have', () => {
    expect(requiredLabelValue(parseLabelSelector('a=b,c in (d),e in (f,g)'), 'a')).toBe('b');
    expect(requiredLabelValue(parseLabelSelector('a=b,c in (d),e in (f,g)'), 'c')).toBe('d');
    expect(requiredLabelValue(parseLabelSelector('a=b,c in (d),e in (f,g)'), 'e')).toBeUndefined();
  });
});

describe('label selector objects', () => {
  it('match nothing when absent and everything when empty', () => {
    expect(labelMatcherOf(undefined).matches(labels)).toBe(false);
    expect(labelMatcherOf({}).matches(undefined)).toBe(true);
    expect(labelMatcherOfMap({ app: 'web' }).matches(labels)).toBe(true);
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }],
    };
    expect(labelMatcherOf(selector).matches(labels)).toBe(true);
    expect(labelSelectorToString(selector)).toBe('app=web,tier notin (back)');
    expect(formatLabelSelector({})).toBe('<none>');
    expect(formatLabelSelector({ matchExpressions: [{ key: 'a', operator: 'X' }] })).toBe('<error>');
    expect(() => labelMatcherOf({ matchExpressions: [{ key: 'a', operator: 'Eq' }] })).toThrow(
      '"Eq" is not a valid label selector operator',
    );
  });

  it('are validated in the words of Kubernetes', () => {
    const errors = validateLabelSelector(
      {
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
          { key: 'c', operator: 'Is' },
        ],
      },
      'spec.selector',
    );
    expect(errors.map((error) => `${error.field}: ${error.body}`)).toEqual([
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Is": not a valid selector operator',
    ]);
  });
});

describe('parseFieldSelector', () => {
  const get = (field: string): string => ({ 'metadata.name': 'a', 'status.phase': 'x,y' })[field] ?? '';

  it.each([
    ['', true],
    ['metadata.name=a', true],
    ['metadata.name==a,spec.nodeName=', true],
    ['metadata.name!=a', false],
    ['status.phase=x\\,y', true],
  ])('%s matches: %s', (text, expected) => {
    expect(matchesFieldSelector(parseFieldSelector(text), get)).toBe(expected);
  });

  it.each([
    ['a', `invalid selector: 'a'; can't understand 'a'`],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ])('refuses %s in the words of Kubernetes', (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(new SelectorError(message));
  });

  it('refuses fields that cannot be selected by', () => {
    const selector = parseFieldSelector('spec.foo=1');
    expect(() => requireSelectableFields(selector)).toThrow(
      '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect(() => requireSelectableFields(selector, ['metadata.name'])).toThrow('field label not supported: spec.foo');
    requireSelectableFields(parseFieldSelector('metadata.name=x'));
    expect(requiredFieldValue(parseFieldSelector('metadata.name=x,a!=b'), 'metadata.name')).toBe('x');
    expect(requiredFieldValue(parseFieldSelector('metadata.name=x,a!=b'), 'a')).toBeUndefined();
  });

  it('throws nothing but SelectorError, and prints what it read', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '.', '=', '!', ',', '\\', 'é', ' ')), (parts) => {
        try {
          const { terms } = parseFieldSelector(parts.join(''));
          // Terms are ordered as they were written, as in Kubernetes, and `==` is written otherwise than it is printed.
          const printed = parseFieldSelector(fieldSelectorToString({ terms })).terms;
          expect(new Set(printed.map((term) => JSON.stringify(term)))).toEqual(
            new Set(terms.map((term) => JSON.stringify(term))),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

import { expect, it } from 'vitest';
import { expand, expandStrictly } from './expand.js';

const lookUp = (name: string): string | undefined => ({ A: 'one', B: '$(A)' })[name];

it.each([
  ['plain', 'plain'],
  ['$(A)', 'one'],
  ['x$(A)y$(A)', 'xoneyone'],
  // What comes out is not looked at again.
  ['$(B)', '$(A)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$(NONE)', '$(NONE)'],
  ['$(A', '$(A'],
  ['$A ${A}', '$A ${A}'],
  ['end$', 'end$'],
])('%s becomes %s', (text, expected) => {
  expect(expand(text, lookUp)).toBe(expected);
});

it('every name has to be known where a path is made', () => {
  expect(expandStrictly('a/$(A)', lookUp)).toBe('a/one');
  expect(() => expandStrictly('$(NONE)', lookUp)).toThrow('missing value for "NONE"');
});

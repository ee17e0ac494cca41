import { expect, test } from 'vitest';
import { hostAndPort, servingAddresses } from './serving-addresses.js';

test.each([
  [[], ['127.0.0.1']],
  [
    ['192.0.2.1', '127.0.0.1'],
    ['127.0.0.1', '192.0.2.1'],
  ],
  [['0.0.0.0'], ['0.0.0.0']],
  [
    ['192.0.2.1', '0.0.0.0', '::1'],
    ['0.0.0.0', '::1'],
  ],
  [['::', '0.0.0.0'], ['::']],
])('%j is served on %j', (bind, expected) => {
  expect(servingAddresses(bind)).toEqual(expected);
});

test('an IPv6 address stands in brackets before its port', () => {
  expect(hostAndPort('::1', 6443)).toBe('[::1]:6443');
  expect(hostAndPort('127.0.0.1', 6443)).toBe('127.0.0.1:6443');
});

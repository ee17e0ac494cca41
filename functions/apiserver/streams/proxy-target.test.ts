import { expect, test } from 'vitest';
import { checked } from './proxy-target.js';

test.each(['10.0.0.1', '192.168.1.1', 'fd00::1', '2001:db8::1', '::ffff:10.0.0.1'])('%s may be proxied to', (host) => {
  expect(checked(host, 'p')).toBe(host);
});

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '169.254.169.254',
  '::1',
  '::',
  '0:0:0:0:0:0:0:1',
  'fe80::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  'localhost',
  'example.com',
])('%s is no address to proxy to', (host) => {
  expect(() => checked(host, 'p')).toThrow('address not allowed');
});

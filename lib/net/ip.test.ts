import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp, parseIp } from './ip.js';

describe('addresses', () => {
  test.each([
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['FD00:0010::0:5', 'fd00:10::5'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
  ])('%s is %s', (text, canonical) => {
    const ip = parseIp(text);
    expect(ip === undefined ? undefined : formatIp(ip)).toBe(canonical);
  });

  test('survive a round trip', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 128n - 1n),
        (value) => parseIp(formatIp({ family: 'IPv6', value }))?.value === value,
      ),
    );
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 32n - 1n),
        (value) => parseIp(formatIp({ family: 'IPv4', value }))?.value === value,
      ),
    );
  });

  test.each(['', '10.0.0', '10.0.0.256', '10.00.0.1', 'fe80::1%eth0', 'None', '1::2::3'])('%s is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

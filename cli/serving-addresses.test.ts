import { expect, test } from 'vitest';
import {
  deviceOfDefaultRoute,
  hostAndPort,
  ownAddress,
  reachableAddress,
  servingAddresses,
} from './serving-addresses.js';

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

test.each([
  [[], undefined, undefined],
  [['127.0.0.2'], undefined, undefined],
  [['127.0.0.2'], '192.0.2.9', '192.0.2.9'],
  [['127.0.0.2', '2001:db8::1', '192.0.2.1'], undefined, '192.0.2.1'],
  [['::1', '2001:db8::1'], undefined, '2001:db8::1'],
])('served on %j and advertised as %s, others reach it at %s', (bind, advertised, expected) => {
  expect(reachableAddress(bind, advertised)).toBe(expected);
});

test('addresses that stand for all are no address to call', () => {
  expect(reachableAddress(['0.0.0.0'])).toBe(ownAddress());
  expect(reachableAddress(['::'])).toBe(ownAddress());
});

test('the device of the default route is that with the lowest metric', () => {
  const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
  const route = (device: string, destination: string, metric: number, mask = '00000000'): string =>
    `${device}\t${destination}\t010200C0\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0   `;
  const table = [
    header,
    route('docker0', '000011AC', 0, '0000FFFF'),
    route('tun0', '00000000', 0, '00000080'),
    route('wlan0', '00000000', 600),
    route('eth1', '00000000', 100),
    '',
  ].join('\n');
  expect(deviceOfDefaultRoute(table)).toBe('eth1');
  expect(deviceOfDefaultRoute(`${header}\n`)).toBeUndefined();
});

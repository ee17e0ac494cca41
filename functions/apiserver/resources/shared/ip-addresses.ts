import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';

const IPV4_BITS = 32;
const IPV6_BITS = 128;

const LOOPBACK = ranges(['127.0.0.0', 8], ['::1', 128]);
const LINK_LOCAL = ranges(['169.254.0.0', 16], ['fe80::', 10]);
const LINK_LOCAL_MULTICAST = ranges(['224.0.0.0', 24], ['ff02::', 16]);

function ranges(...subnets: [network: string, bits: number][]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of subnets) list.addSubnet(network, bits, family(network));
  return list;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

export function isIpv6Address(address: string): boolean {
  return isIPv6(address);
}

/** True when there is exactly one address of either family. */
export function isDualStackPair(addresses: readonly string[]): boolean {
  return addresses.length === 2 && addresses.some(isIPv4) && addresses.some(isIPv6);
}

/** The form RFC 5952 recommends: lower case, the longest run of zeros as `::`. */
export function canonicalIp(address: string): string {
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}

/** An address: leading zeros and zone names are refused, as is an IPv4 address in IPv6 form. */
export function ipErrors(field: string, value: string): FieldError[] {
  if (isIP(value) === 0 || value.includes('%')) {
    const loose = /^\d+(\.\d+){3}$/.test(value) && value.split('.').every((part) => Number(part) <= 255);
    return [
      invalid(
        field,
        value,
        loose ? 'must not have leading 0s' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ),
    ];
  }
  return isIpv4Mapped(value) ? [invalid(field, value, 'must not be an IPv4-mapped IPv6 address')] : [];
}

function isIpv4Mapped(address: string): boolean {
  return isIPv6(address) && canonicalIp(address).startsWith('::ffff:') && canonicalIp(address).includes('.');
}

/** A network in CIDR form without bits beyond its prefix. */
export function cidrErrors(field: string, value: string): FieldError[] {
  const malformed = [invalid(field, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
  const [address = '', bitsText = '', ...rest] = value.split('/');
  if (rest.length > 0 || isIP(address) === 0 || address.includes('%') || !/^\d{1,3}$/.test(bitsText)) return malformed;
  const bits = Number(bitsText);
  if (bits > (isIPv6(address) ? IPV6_BITS : IPV4_BITS)) return malformed;
  if (bitsText !== String(bits)) {
    return [invalid(field, value, 'must not have leading 0s in IP or prefix length')];
  }
  if (isIpv4Mapped(address)) return [invalid(field, value, 'must not have an IPv4-mapped IPv6 address')];
  const hostBits = BigInt((isIPv6(address) ? IPV6_BITS : IPV4_BITS) - bits);
  return (addressBits(address) & ((1n << hostBits) - 1n)) === 0n
    ? []
    : [invalid(field, value, 'must not have bits set beyond the prefix length')];
}

function addressBits(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = '', tail] = canonicalIp(address).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** Addresses that make no sense as an endpoint or external IP: unspecified, loopback, link-local. */
export function specialIpErrors(field: string, value: string): FieldError[] {
  if (isIP(value) === 0) return [invalid(field, value, 'must be a valid IP address')];
  if (addressBits(canonicalIp(value)) === 0n) return [invalid(field, value, `may not be unspecified (${value})`)];
  const type = family(value);
  if (LOOPBACK.check(value, type)) {
    return [invalid(field, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  }
  if (LINK_LOCAL.check(value, type)) {
    return [invalid(field, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  }
  if (LINK_LOCAL_MULTICAST.check(value, type)) {
    return [invalid(field, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  }
  return [];
}

import { ADDRESS_BITS, formatIp, parseIp, type Ip, type IpFamily } from '../../lib/net/ip.js';

/** A range of addresses; `first` has no host bits. */
export interface Cidr {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly prefixLength: number;
}

/** Host bits are dropped: 10.1.2.3/8 is 10.0.0.0/8. Undefined for what is no range. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text.trim());
  const ip = parseIp(match?.[1] ?? '');
  const prefixLength = Number(match?.[2]);
  if (ip === undefined || prefixLength > ADDRESS_BITS[ip.family]) return undefined;
  const hostBits = BigInt(ADDRESS_BITS[ip.family] - prefixLength);
  return { family: ip.family, first: (ip.value >> hostBits) << hostBits, prefixLength };
}

export function formatCidr({ family, first, prefixLength }: Cidr): string {
  return `${formatIp({ family, value: first })}/${prefixLength}`;
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.family !== ip.family) return false;
  const hostBits = BigInt(ADDRESS_BITS[cidr.family] - cidr.prefixLength);
  return ip.value >> hostBits === cidr.first >> hostBits;
}

/** The valid ones of `texts`; whoever reads them from a person has refused the others before. */
export function parseCidrs(texts: readonly string[]): Cidr[] {
  return texts.map(parseCidr).filter((cidr) => cidr !== undefined);
}

/** The one spelling of an address, or undefined for what is none. Nothing else of what the API says gets into rules or commands. */
export function canonicalIp(text: string | undefined): { family: IpFamily; text: string } | undefined {
  const ip = text === undefined ? undefined : parseIp(text);
  return ip && { family: ip.family, text: formatIp(ip) };
}

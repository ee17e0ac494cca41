import { ADDRESS_BITS, formatIp, type Ip, parseIp } from '../../net/ip.js';
import { CelError } from '../errors.js';
import { COST_PER_CHARACTER } from '../meter.js';
import { asText, type CelResult, fn, method, type Overload, over, overTexts, sizeOf, traversal } from '../overload.js';
import { BOOL, INT, opaqueType, STRING } from '../types.js';
import { CelOpaque, type CelValue } from '../values.js';

const IP_TYPE = opaqueType('net.IP');
const CIDR_TYPE = opaqueType('net.CIDR');

class CelIp extends CelOpaque {
  readonly typeName = IP_TYPE.name;
  readonly ip: Ip;

  constructor(ip: Ip) {
    super();
    this.ip = ip;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelIp && other.ip.family === this.ip.family && other.ip.value === this.ip.value;
  }
}

class CelCidr extends CelOpaque {
  readonly typeName = CIDR_TYPE.name;
  readonly ip: Ip;
  readonly prefix: number;

  constructor(ip: Ip, prefix: number) {
    super();
    this.ip = ip;
    this.prefix = prefix;
  }

  equals(other: CelOpaque): boolean {
    return (
      other instanceof CelCidr &&
      other.prefix === this.prefix &&
      other.ip.family === this.ip.family &&
      other.ip.value === this.ip.value
    );
  }
}

function readIp(text: string): Ip | CelError {
  if (text.includes('%')) return new CelError(`IP address ${JSON.stringify(text)} with zone value is not allowed`);
  const ip = parseIp(text);
  if (ip === undefined)
    return new CelError(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    );
  if (ip.family === 'IPv6' && ip.value >> 32n === 0xffffn)
    return new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return ip;
}

function toIp(text: string): CelResult {
  const ip = readIp(text);
  return ip instanceof CelError ? ip : new CelIp(ip);
}

function toCidr(text: string): CelResult {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const wrong = (): CelError =>
    new CelError(
      `network address parse error during conversion from string: CIDR ${JSON.stringify(text)} parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`,
    );
  const ip = readIp(address);
  if (rest.length > 0 || !/^(?:0|[1-9][0-9]{0,2})$/.test(prefix) || ip instanceof CelError) return wrong();
  return Number(prefix) > ADDRESS_BITS[ip.family] ? wrong() : new CelCidr(ip, Number(prefix));
}

function masked(ip: Ip, prefix: number): bigint {
  const shift = BigInt(ADDRESS_BITS[ip.family] - prefix);
  return (ip.value >> shift) << shift;
}

function holds(cidr: CelCidr, ip: Ip): boolean {
  return cidr.ip.family === ip.family && masked(cidr.ip, cidr.prefix) === masked(ip, cidr.prefix);
}

function containsIp(cidr: CelCidr, value: CelValue | undefined): CelResult {
  if (value instanceof CelIp) return holds(cidr, value.ip);
  const ip = readIp(asText(value));
  return ip instanceof CelError ? ip : holds(cidr, ip);
}

function containsCidr(cidr: CelCidr, value: CelValue | undefined): CelResult {
  const other = value instanceof CelCidr ? value : toCidr(asText(value));
  if (other instanceof CelError) return other;
  return other instanceof CelCidr && other.prefix >= cidr.prefix && holds(cidr, other.ip);
}

const first = (ip: Ip, bits: number): bigint => ip.value >> BigInt(ADDRESS_BITS[ip.family] - bits);

const isLoopback = (ip: Ip): boolean => (ip.family === 'IPv4' ? first(ip, 8) === 127n : ip.value === 1n);
const isMulticast = (ip: Ip): boolean => (ip.family === 'IPv4' ? first(ip, 4) === 0xen : first(ip, 8) === 0xffn);
const isLinkLocalMulticast = (ip: Ip): boolean =>
  ip.family === 'IPv4' ? first(ip, 24) === 0xe00000n : (first(ip, 16) & 0xff0fn) === 0xff02n;
const isLinkLocalUnicast = (ip: Ip): boolean =>
  ip.family === 'IPv4' ? first(ip, 16) === 0xa9fen : first(ip, 10) === 0x3fan;
const isUnspecified = (ip: Ip): boolean => ip.value === 0n;
const isBroadcast = (ip: Ip): boolean => ip.family === 'IPv4' && ip.value === 0xffffffffn;
const isGlobalUnicast = (ip: Ip): boolean =>
  !isUnspecified(ip) && !isBroadcast(ip) && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip);

function ipTest(name: string, test: (ip: Ip) => boolean): Overload {
  return method(
    name,
    [IP_TYPE],
    BOOL,
    over(CelIp, ({ ip }) => test(ip)),
  );
}

const cidrCost =
  (parsed: boolean, extra: number) =>
  (args: readonly CelValue[]): number =>
    2 + extra + (parsed ? Math.ceil(sizeOf(args[1]) * COST_PER_CHARACTER) : 0);

export const NETWORK: readonly Overload[] = [
  fn('ip', [STRING], IP_TYPE, overTexts(toIp), traversal()),
  fn(
    'isIP',
    [STRING],
    BOOL,
    overTexts((text) => !(readIp(text) instanceof CelError)),
    traversal(),
  ),
  fn(
    'ip.isCanonical',
    [STRING],
    BOOL,
    overTexts((text) => {
      const ip = readIp(text);
      return ip instanceof CelError ? ip : formatIp(ip) === text;
    }),
    traversal(2),
  ),
  fn(
    'string',
    [IP_TYPE],
    STRING,
    over(CelIp, ({ ip }) => formatIp(ip)),
  ),
  method(
    'family',
    [IP_TYPE],
    INT,
    over(CelIp, ({ ip }) => (ip.family === 'IPv4' ? 4n : 6n)),
  ),
  ipTest('isUnspecified', isUnspecified),
  ipTest('isLoopback', isLoopback),
  ipTest('isLinkLocalMulticast', isLinkLocalMulticast),
  ipTest('isLinkLocalUnicast', isLinkLocalUnicast),
  ipTest('isGlobalUnicast', isGlobalUnicast),
  fn('cidr', [STRING], CIDR_TYPE, overTexts(toCidr), traversal()),
  fn(
    'isCIDR',
    [STRING],
    BOOL,
    overTexts((text) => !(toCidr(text) instanceof CelError)),
    traversal(),
  ),
  fn(
    'string',
    [CIDR_TYPE],
    STRING,
    over(CelCidr, ({ ip, prefix }) => `${formatIp(ip)}/${prefix}`),
  ),
  method(
    'containsIP',
    [CIDR_TYPE, STRING],
    BOOL,
    over(CelCidr, (cidr, [ip]) => containsIp(cidr, ip)),
    cidrCost(true, 0),
  ),
  method(
    'containsIP',
    [CIDR_TYPE, IP_TYPE],
    BOOL,
    over(CelCidr, (cidr, [ip]) => containsIp(cidr, ip)),
    cidrCost(false, 0),
  ),
  method(
    'containsCIDR',
    [CIDR_TYPE, STRING],
    BOOL,
    over(CelCidr, (cidr, [other]) => containsCidr(cidr, other)),
    cidrCost(true, 3),
  ),
  method(
    'containsCIDR',
    [CIDR_TYPE, CIDR_TYPE],
    BOOL,
    over(CelCidr, (cidr, [other]) => containsCidr(cidr, other)),
    cidrCost(false, 3),
  ),
  method(
    'ip',
    [CIDR_TYPE],
    IP_TYPE,
    over(CelCidr, ({ ip }) => new CelIp(ip)),
  ),
  method(
    'prefixLength',
    [CIDR_TYPE],
    INT,
    over(CelCidr, ({ prefix }) => BigInt(prefix)),
  ),
  method(
    'masked',
    [CIDR_TYPE],
    CIDR_TYPE,
    over(CelCidr, ({ ip, prefix }) => new CelCidr({ family: ip.family, value: masked(ip, prefix) }, prefix)),
  ),
];

export const NETWORK_TYPES = [IP_TYPE, CIDR_TYPE];

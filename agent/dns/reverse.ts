import { formatIp, parseIp } from '../../lib/net/ip.js';

/** The canonical address that a name under in-addr.arpa or ip6.arpa stands for. */
export function addressOfReverseName(name: string): string | undefined {
  const labels = name.split('.');
  const arpa = labels.splice(-2).join('.');
  if (arpa === 'in-addr.arpa' && labels.length === 4) {
    const ip = parseIp(labels.reverse().join('.'));
    return ip && formatIp(ip);
  }
  if (arpa === 'ip6.arpa' && labels.length === 32 && labels.every((label) => /^[0-9a-f]$/.test(label))) {
    return formatIp({ family: 'IPv6', value: BigInt(`0x${labels.reverse().join('')}`) });
  }
  return undefined;
}

/** `10-244-1-5`, `fd00--5`: the label of an address in names of pods and of endpoints without a hostname. */
export function dashed(ip: string): string {
  return ip.replaceAll(/[.:]/g, '-');
}

/** The inverse of `dashed`. */
export function addressOfDashed(label: string): string | undefined {
  const ip = parseIp(/^\d+-\d+-\d+-\d+$/.test(label) ? label.replaceAll('-', '.') : label.replaceAll('-', ':'));
  return ip && formatIp(ip);
}

import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

export const LOOPBACK = '127.0.0.1';

const ALL_IPV4 = '0.0.0.0';
const ALL = '::';

/** The addresses to listen on: loopback and those asked for. One that stands for others cannot be bound beside them. */
export function servingAddresses(bind: readonly string[]): string[] {
  if (bind.includes(ALL)) return [ALL];
  const wanted = [...new Set([LOOPBACK, ...bind])];
  return bind.includes(ALL_IPV4) ? wanted.filter((address) => address === ALL_IPV4 || isIPv6(address)) : wanted;
}

/** `127.0.0.1:6443`, `[::1]:6443`. */
export function hostAndPort(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** An address by which others on the machine's network reach it; loopback when there is no network. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? LOOPBACK;
}

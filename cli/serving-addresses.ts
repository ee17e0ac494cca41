import { isIPv6 } from 'node:net';

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

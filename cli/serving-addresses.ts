import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
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

/**
 * The address by which others reach what is served on `bind`: the one that the user names, otherwise the first bound one that is not this
 * machine's alone. Undefined when there is none.
 */
export function reachableAddress(bind: readonly string[], advertised?: string): string | undefined {
  const [address] = [advertised, ...bind.filter((one) => isIPv4(one)), ...bind].filter(
    (one) => one !== undefined && !isLoopback(one),
  );
  return address === ALL_IPV4 || address === ALL ? ownAddress() : address;
}

/** An address by which others on the machine's network reach it; loopback when there is no network. */
export function ownAddress(): string {
  const all = networkInterfaces();
  // Bridges of containers have addresses too, which nobody else reaches: the device of the default route comes first.
  const devices = [defaultDevice(), ...Object.keys(all)];
  const addresses = devices.flatMap((device) => all[device ?? ''] ?? []);
  return addresses.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? LOOPBACK;
}

/** The device that leads out of the machine; undefined where the kernel does not say so. */
function defaultDevice(): string | undefined {
  try {
    return deviceOfDefaultRoute(readFileSync('/proc/net/route', 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param table as Linux has it in /proc/net/route. Of several default routes that with the lowest metric. */
export function deviceOfDefaultRoute(table: string): string | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .map(([device, , , , , , metric]) => ({ device, metric: Number(metric) }));
  return routes.sort((one, other) => one.metric - other.metric)[0]?.device;
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

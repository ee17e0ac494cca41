import { canonicalIp } from '../network/cidr.js';
import { UPSTREAM_SERVERS_MAX } from './limits.js';

/** The name servers of a resolver file, in their order; what cannot be read is left out. */
export function nameServersOf(text: string): string[] {
  const servers: string[] = [];
  for (const line of text.split('\n')) {
    const [word, address] = line.trim().split(/\s+/);
    const ip = word === 'nameserver' ? canonicalIp(address) : undefined;
    if (ip !== undefined && !servers.includes(ip.text)) servers.push(ip.text);
  }
  return servers.slice(0, UPSTREAM_SERVERS_MAX);
}

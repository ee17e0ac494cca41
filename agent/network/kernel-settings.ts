import { NetworkError } from './errors.js';
import type { Host } from './host.js';
import type { IpFamily } from '../../lib/net/ip.js';
import type { Log } from './log.js';

const FORWARDING: Readonly<Record<IpFamily, string>> = {
  IPv4: 'net/ipv4/ip_forward',
  IPv6: 'net/ipv6/conf/all/forwarding',
};
const BRIDGE_FILTER: Readonly<Record<IpFamily, string>> = {
  IPv4: 'net/bridge/bridge-nf-call-iptables',
  IPv6: 'net/bridge/bridge-nf-call-ip6tables',
};

/**
 * Makes the kernel forward packets between pods and the world, and show packets within a bridge to the proxy's rules: without that, the answer
 * of a pod to a pod on the same node passes by the translation of a service, and the client does not know the sender.
 * @throws NetworkError when forwarding is off and cannot be switched on. What only some traffic needs is a warning.
 */
export async function prepareKernel(host: Host, families: readonly IpFamily[], log: Log): Promise<void> {
  for (const family of families) {
    if (family === 'IPv6') await keepRouterAdvertisements(host);
    await switchOn(host, FORWARDING[family]);
  }
  if ((await host.readSetting(BRIDGE_FILTER.IPv4)) === undefined) await loadBridgeFilter(host, log);
  for (const family of families) {
    try {
      await switchOn(host, BRIDGE_FILTER[family]);
    } catch (error) {
      log(
        'warn',
        'answers between pods of this node pass by services: load br_netfilter and set bridge-nf-call-iptables',
        {
          family,
          error: String(error),
        },
      );
    }
  }
}

async function switchOn(host: Host, name: string): Promise<void> {
  const value = await host.readSetting(name);
  if (value === '1') return;
  const advice = `set it yourself (sysctl -w ${name.replaceAll('/', '.')}=1) or run the agent as root`;
  if (value === undefined) throw new NetworkError('unsupported', `the kernel has no setting ${name}`);
  try {
    await host.writeSetting(name, '1');
  } catch (error) {
    throw new NetworkError('not-permitted', `/proc/sys/${name} is ${value} and has to be 1: ${advice}`, {
      cause: error,
    });
  }
}

/** A forwarding machine stops listening to routers unless told otherwise (2), and would lose its default route. */
async function keepRouterAdvertisements(host: Host): Promise<void> {
  if ((await host.readSetting(FORWARDING.IPv6)) !== '0') return;
  const { stdout } = await host.run('ip', ['-6', '-o', 'route', 'show', 'default', 'proto', 'ra']);
  for (const [, device = ''] of stdout.matchAll(/ dev (\S+)/g)) {
    const setting = `net/ipv6/conf/${device}/accept_ra`;
    if ((await host.readSetting(setting)) === '1') await host.writeSetting(setting, '2');
  }
}

async function loadBridgeFilter(host: Host, log: Log): Promise<void> {
  try {
    const { code, stderr } = await host.run('modprobe', ['br_netfilter']);
    if (code !== 0) log('warn', 'the kernel module br_netfilter cannot be loaded', { error: stderr.trim() });
  } catch (error) {
    log('warn', 'the kernel module br_netfilter cannot be loaded', { error: String(error) });
  }
}

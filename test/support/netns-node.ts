import { connect, Namespace } from './netns.js';

/**
 * A node with pods on a bridge, and a machine outside of the cluster that is its router: 10.244.1.0/24 and fd00:244:1::/64 for pods,
 * 192.0.2.1 and fd00:2::1 for the node, 192.0.2.2 and fd00:2::2 for the outsider.
 */
export class NodeNetwork {
  readonly node = new Namespace('node');
  readonly outside = new Namespace('out');
  readonly pods: Namespace[] = [];

  constructor() {
    connect({ at: this.node, device: 'eth0' }, { at: this.outside, device: 'eth0' });
    this.outside.ip(
      'addr add 192.0.2.2/24 dev eth0',
      'addr add fd00:2::2/64 dev eth0 nodad',
      // Services from outside: as a router would be told.
      'route add 10.96.0.0/16 via 192.0.2.1',
      'route add 203.0.113.0/24 via 192.0.2.1',
      'route add fd00:96::/112 via fd00:2::1',
    );
    this.node.ip(
      'addr add 192.0.2.1/24 dev eth0',
      'addr add fd00:2::1/64 dev eth0 nodad',
      'link add cni0 type bridge',
      'link set cni0 up',
      'addr add 10.244.1.1/24 dev cni0',
      'addr add fd00:244:1::1/64 dev cni0 nodad',
      'route add default via 192.0.2.2',
      'route add default via fd00:2::2',
    );
    for (const setting of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) this.#set(setting);
    for (const setting of ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables']) this.#set(`bridge/${setting}`);
  }

  /** The pod with the address 10.244.1.(10 + n), n from 0. */
  addPod(): Namespace {
    const index = this.pods.length;
    const pod = new Namespace(`pod${index}`);
    this.pods.push(pod);
    connect({ at: this.node, device: `veth${index}` }, { at: pod, device: 'eth0' });
    this.node.ip(`link set veth${index} master cni0`, `link set veth${index} type bridge_slave hairpin on`);
    pod.ip(
      `addr add ${podIp(index)}/24 dev eth0`,
      `addr add ${podIp6(index)}/64 dev eth0 nodad`,
      'route add default via 10.244.1.1',
      'route add default via fd00:244:1::1',
    );
    return pod;
  }

  destroy(): void {
    for (const namespace of [...this.pods, this.node, this.outside]) namespace.destroy();
  }

  #set(name: string): void {
    this.node.run('sh', '-c', `echo 1 > /proc/sys/net/${name}`);
  }
}

export function podIp(index: number): string {
  return `10.244.1.${10 + index}`;
}

export function podIp6(index: number): string {
  return `fd00:244:1::${(0x10 + index).toString(16)}`;
}

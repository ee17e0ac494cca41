import { keyOf } from '../../lib/client/client.js';
import { nodes } from '../../lib/client/resources.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import { startDns } from '../dns/index.js';
import type { CompileContext } from '../proxy/compile.js';
import { Conntrack } from '../proxy/conntrack.js';
import { dnsTranslation, type DnsAddress } from '../proxy/dns-translation.js';
import { noFirewall } from '../proxy/firewall.js';
import { Nftables } from '../proxy/nftables.js';
import { ServiceProxy } from '../proxy/service-proxy.js';
import { systemHost } from './host.js';
import { prepareKernel } from './kernel-settings.js';
import { NodeRoutes } from './node-routes.js';
import { readOptions, type NetworkOptions } from './options.js';
import { PodNetwork } from './pod-network.js';
import { ServiceIndex } from './service-index.js';

export { NetworkError } from './errors.js';
export type { NetworkOptions } from './options.js';

export interface Network {
  /** Where the node's DNS server listens. */
  dns: readonly DnsAddress[];
  /** Resolves once the API has been read and every service is programmed. Before, what an earlier agent programmed stays. */
  ready: Promise<void>;
  /** Resolves with whether the pod network is ours, once there is one: the container runtime has a CNI configuration. */
  podNetwork: Promise<boolean>;
  /** Ends following and answering. Rules, routes and the CNI configuration stay: pods and services go on without an agent. */
  close(): Promise<void>;
  /** `close`, and takes away all that is ours on this machine: for a node that leaves its cluster, once its pods are gone. */
  remove(): Promise<void>;
}

/** The label of a node's zone. */
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/**
 * The network of a node: pods' network, services, DNS, and the ways to other nodes' pods. It does not wait for the API.
 * @throws NetworkError when an option cannot be, or a right, a program or a kernel feature is missing: the message says how to get it.
 */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const { replicas, clock, random, log, nodeName } = options;
  const facts = readOptions(options);
  const host = options.host ?? systemHost();
  const { families, clusterCidrTexts } = facts;
  const isProgrammed = options.firewall === 'nftables';
  const firewall = isProgrammed
    ? new Nftables({ host, table: facts.table, families, clusterCidrs: clusterCidrTexts })
    : noFirewall;
  await firewall.check();
  await prepareKernel(host, families, log);

  const index = new ServiceIndex(replicas);
  const dns = await startDns({
    source: index,
    isReady: () => index.isSynced,
    domain: options.clusterDomain ?? 'cluster.local',
    addresses: facts.nodeIps.map(({ text }) => text),
    port: options.dnsPort ?? 0,
    clusterDnsIps: facts.clusterDnsIps.map(({ text }) => text),
    podRanges: facts.clusterCidrs,
    serviceRanges: facts.serviceCidrs,
    resolvConf: options.resolvConf ?? '/etc/resolv.conf',
    clock,
    random,
    log,
  });
  const listening = facts.nodeIps.map(({ family, text }) => ({ family, ip: text, port: dns.port }));
  const conntrack = isProgrammed ? new Conntrack(host, families) : undefined;
  const context: CompileContext = {
    families,
    nodeName,
    nodeIps: facts.nodeIps.map(({ text }) => text),
    clusterCidrs: clusterCidrTexts,
  };
  const own = dnsTranslation(facts.clusterDnsIps, listening);
  const proxy = new ServiceProxy({ source: index, firewall, conntrack, context, own, clock, log });
  const podNetwork = new PodNetwork({ ...options, host, networkName: `${facts.table}-${nodeName}` });
  const routes = new NodeRoutes({ ...options, host, nodeIps: context.nodeIps, clusterCidrs: facts.clusterCidrs });

  let zone: string | undefined;
  const takeNode = (node: V1Node, isDeleted: boolean): void => {
    routes.setNode(node, isDeleted);
    if (isDeleted || keyOf(node) !== nodeName) return;
    podNetwork.setRanges(node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []));
    if (node.metadata?.labels?.[ZONE_LABEL] === zone) return;
    zone = node.metadata?.labels?.[ZONE_LABEL];
    proxy.setContext({ ...context, zone });
  };
  const nodeReplica = replicas.of(nodes);
  const unfollow = nodeReplica.onEvent(({ type, object }) => takeNode(object, type === 'DELETED'));
  const start = async (): Promise<void> => {
    await Promise.all([nodeReplica.synced(), index.start()]);
    for (const node of (await nodeReplica.recentView()).list()) takeNode(node, false);
    if (options.nodeRoutes) routes.start();
    await proxy.start();
    await forgetOtherDns(conntrack, facts.clusterDnsIps, listening);
  };
  let isClosed = false;
  const ready = start();
  ready.catch((error: unknown) => {
    // The replicas are closed with the agent, also before they have been read.
    if (!isClosed) log('warn', 'the network of the node did not get ready', { error: String(error) });
  });

  const close = async (): Promise<void> => {
    isClosed = true;
    unfollow();
    index.close();
    await Promise.all([proxy.close(), dns.close(), routes.close(), podNetwork.close()]);
  };
  return {
    dns: listening,
    ready,
    podNetwork: podNetwork.isOurs,
    close,
    async remove() {
      await close();
      await firewall.remove();
      await routes.remove();
      await podNetwork.remove();
    },
  };
}

/** An earlier agent's DNS server had another port: whoever asks it still is to ask this one. */
async function forgetOtherDns(
  conntrack: Conntrack | undefined,
  clusterDnsIps: readonly { text: string }[],
  listening: readonly DnsAddress[],
): Promise<void> {
  const endpoints = new Set(listening.map(({ ip, port }) => `${ip} ${port}`));
  await conntrack?.deleteStale(clusterDnsIps.map(({ text }) => ({ ip: text, port: 53, endpoints })));
}

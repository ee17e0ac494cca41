import { afterEach, beforeEach, expect, test } from 'vitest';
import { BridgeKeeper } from '../../agent/network/bridge-keeper.js';
import { systemClock } from '../../lib/clock/system.js';
import type { Namespace } from '../support/netns.js';
import { noNamespacesReason } from '../support/netns.js';
import { NodeNetwork, podIp, podIp6 } from '../support/netns-node.js';
import { skipWithoutNamespaces } from '../support/skip-without-namespaces.js';

let network: NodeNetwork;
let keeper: BridgeKeeper;
const warnings: string[] = [];

skipWithoutNamespaces();
beforeEach(() => {
  if (noNamespacesReason() !== undefined) return;
  network = new NodeNetwork();
  const log = (_: string, message: string): void => void warnings.push(message);
  keeper = new BridgeKeeper({ host: network.node.host(), bridge: 'cni0', clock: systemClock, log });
  warnings.length = 0;
});
afterEach(() => network?.destroy());

test('pods are connected again when somebody deletes their bridge', async () => {
  const [server, client] = [network.addPod(), network.addPod()] as [Namespace, Namespace];
  await server.call('listenTcp', { host: '::', port: 80, name: 'web' });
  const reach = (from: Namespace, host: string): Promise<string> =>
    from.call('tcp', { host, port: 80, timeoutMs: 500 });
  await keeper.check();
  expect(await reach(client, podIp(0))).toBe(`web ::ffff:${podIp(1)}`);
  network.node.ip('link delete cni0');
  expect(await reach(client, podIp(0))).not.toContain('web');
  await keeper.check();
  expect(await reach(client, podIp(0))).toBe(`web ::ffff:${podIp(1)}`);
  expect(await reach(network.node, podIp(0))).toBe('web ::ffff:10.244.1.1');
  expect(await reach(network.node, podIp6(0))).toBe('web fd00:244:1::1');
  // The CNI plugin has made another one for a new pod, and the old pods are on none.
  network.node.ip(
    'link delete cni0',
    'link add cni0 type bridge',
    'link set cni0 up',
    'addr add 10.244.1.1/24 dev cni0',
  );
  await keeper.check();
  expect(await reach(client, podIp(0))).toBe(`web ::ffff:${podIp(1)}`);
  expect(warnings).toHaveLength(2);
  await keeper.check();
  expect(warnings).toHaveLength(2);
});

test('without pods nothing is made, and devices of pods that have gone are forgotten', async () => {
  await keeper.check();
  network.node.ip('link delete cni0');
  await keeper.check();
  expect(network.node.run('ip', 'link')).not.toContain('cni0');
  expect(warnings).toEqual([]);
});

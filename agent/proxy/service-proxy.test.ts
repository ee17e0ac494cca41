import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock/fake.js';
import type { V1EndpointSlice } from '../../lib/schema/generated/types.js';
import { ServiceTable } from '../network/service-index.js';
import type { UdpTarget } from './compile.js';
import type { Firewall } from './firewall.js';
import { elementId, type ByFamily, type Element, type RulesetChange, type RulesetState } from './ruleset.js';
import { ServiceProxy, staleTargets } from './service-proxy.js';

/** A firewall in memory, that fails and is changed by others when told so. */
class FakeFirewall implements Firewall {
  calls: string[] = [];
  elements = new Map<string, Element>();
  failures = 0;
  isTouched = false;
  isGone = false;

  check(): Promise<void> {
    return Promise.resolve();
  }

  async replace(state: ByFamily<RulesetState>): Promise<void> {
    this.calls.push('replace');
    this.#failSometimes();
    this.elements = new Map(state.IPv4?.elements);
    this.isTouched = this.isGone = false;
  }

  async apply(change: ByFamily<RulesetChange>): Promise<void> {
    this.calls.push('apply');
    this.#failSometimes();
    if (this.isGone) throw new Error('No such file or directory');
    for (const element of change.IPv4?.elementsRemoved ?? []) this.elements.delete(elementId(element));
    for (const element of change.IPv4?.elementsAdded ?? []) this.elements.set(elementId(element), element);
  }

  isPresent(): Promise<boolean> {
    return Promise.resolve(!this.isGone);
  }

  isUntouched(): Promise<boolean> {
    return Promise.resolve(!this.isTouched);
  }

  remove(): Promise<void> {
    this.calls.push('remove');
    return Promise.resolve();
  }

  #failSometimes(): void {
    if (this.failures === 0) return;
    this.failures--;
    throw new Error('nft says no');
  }
}

let clock: FakeClock;
let firewall: FakeFirewall;
let source: ServiceTable;
let proxy: ServiceProxy;
let warnings: string[];
let stale: UdpTarget[];

beforeEach(async () => {
  clock = new FakeClock();
  firewall = new FakeFirewall();
  source = new ServiceTable();
  warnings = [];
  stale = [];
  proxy = new ServiceProxy({
    source,
    firewall,
    conntrack: { deleteStale: async (targets) => void stale.push(...targets) },
    context: { families: ['IPv4'], nodeName: 'node-1', nodeIps: [], clusterCidrs: {} },
    clock,
    log: (_, message) => warnings.push(message),
  });
});

function put(name: string, ip: string, endpoints: string[] = ['10.244.0.1'], protocol = 'TCP'): void {
  const metadata = { name, namespace: 'ns' };
  source.setService(`ns/${name}`, { metadata, spec: { clusterIP: ip, ports: [{ port: 80, protocol }] } });
  const slice: V1EndpointSlice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: endpoints.map((address) => ({ addresses: [address] })),
    ports: [{ port: 8080, protocol }],
  };
  source.setSlice(`ns/${name}`, slice);
}

const served = (): string[] =>
  [...firewall.elements.values()].filter(({ container }) => container === 'service-ips').map(({ key }) => key);

test('everything at first, then only what changes; what comes together is one transaction', async () => {
  put('a', '10.96.0.1');
  await proxy.start();
  expect(firewall.calls).toEqual(['replace']);
  put('b', '10.96.0.2');
  put('c', '10.96.0.3');
  await clock.advance(100);
  expect(firewall.calls).toEqual(['replace', 'apply']);
  expect(served()).toHaveLength(3);
  // Told again, the same: nothing is to be done.
  put('c', '10.96.0.3');
  await clock.advance(100);
  expect(firewall.calls).toHaveLength(2);
  await proxy.close();
  put('d', '10.96.0.4');
  await clock.advance(60_000);
  expect(firewall.calls).toHaveLength(2);
});

test('a failed change is followed by everything, at once and then ever less often', async () => {
  await proxy.start();
  firewall.failures = 4;
  put('a', '10.96.0.1');
  await clock.advance(50);
  expect(firewall.calls).toEqual(['replace', 'apply', 'replace']);
  await clock.advance(3000);
  expect(firewall.calls).toEqual(['replace', 'apply', 'replace', 'replace', 'replace']);
  await clock.advance(5000);
  expect(firewall.calls).toHaveLength(6);
  expect(served()).toEqual(['10.96.0.1 . tcp . 80']);
  expect(new Set(warnings)).toEqual(new Set(['services could not be programmed']));
  await proxy.close();
});

test('a firewall that never works is asked at most twice a minute', async () => {
  await proxy.start();
  firewall.failures = 1_000_000;
  put('a', '10.96.0.1');
  await clock.advance(120_000);
  const before = firewall.calls.length;
  await clock.advance(600_000);
  expect(firewall.calls.length - before).toBeLessThanOrEqual(21);
  await proxy.close();
});

test('a table that is gone is noticed within seconds, and one that was changed within minutes', async () => {
  put('a', '10.96.0.1');
  await proxy.start();
  firewall.isGone = true;
  firewall.elements.clear();
  await clock.advance(11_000);
  expect(served()).toHaveLength(1);
  firewall.isTouched = true;
  firewall.elements.clear();
  await clock.advance(320_000);
  expect(served()).toHaveLength(1);
  expect(warnings).toHaveLength(2);
  await proxy.close();
});

test('stale UDP flows are looked for when an endpoint leaves or the first one comes, and only then', async () => {
  await proxy.start();
  put('dns', '10.96.0.9', ['10.244.0.1'], 'UDP');
  await clock.advance(100);
  expect(stale.splice(0)).toMatchObject([{ ip: '10.96.0.9', port: 80 }]);
  put('dns', '10.96.0.9', ['10.244.0.1', '10.244.0.2'], 'UDP');
  await clock.advance(100);
  expect(stale).toEqual([]);
  put('dns', '10.96.0.9', ['10.244.0.2'], 'UDP');
  await clock.advance(100);
  expect(stale.splice(0)).toHaveLength(1);
  source.setService('ns/dns', undefined);
  await clock.advance(100);
  expect(stale).toMatchObject([{ ip: '10.96.0.9', endpoints: new Set() }]);
  put('web', '10.96.0.8');
  source.setService('ns/web', undefined);
  await clock.advance(100);
  expect(stale).toHaveLength(1);
  expect(staleTargets([], [])).toEqual([]);
  await proxy.close();
});

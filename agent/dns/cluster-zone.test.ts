import { beforeEach, describe, expect, test } from 'vitest';
import type { V1EndpointSlice, V1Service } from '../../lib/schema/generated/types.js';
import { seededRandom } from '../../lib/random.js';
import { parseCidrs } from '../network/cidr.js';
import { ServiceTable } from '../network/service-index.js';
import { ClusterZone } from './cluster-zone.js';
import { RCODE, TYPE, type Answer } from './records.js';

let source: ServiceTable;
let zone: ClusterZone;

beforeEach(() => {
  source = new ServiceTable();
  zone = new ClusterZone({
    source,
    domain: 'cluster.local',
    ranges: parseCidrs(['10.96.0.0/16', '10.244.0.0/16']),
    nameServerIps: ['10.96.0.10'],
    random: seededRandom(1),
    nowSeconds: () => 1000,
  });
});

function put(name: string, spec: V1Service['spec']): void {
  source.setService(`ns/${name}`, { metadata: { name, namespace: 'ns' }, spec });
}

function putSlice(
  name: string,
  endpoints: V1EndpointSlice['endpoints'],
  ports: V1EndpointSlice['ports'] = [{ name: 'http', port: 8080, protocol: 'TCP' }],
): void {
  const addressType = endpoints?.[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4';
  const labels = { 'kubernetes.io/service-name': name };
  const sliceName = `${name}-${addressType}`;
  source.setSlice(`ns/${sliceName}`, {
    metadata: { name: sliceName, namespace: 'ns', labels },
    addressType,
    endpoints,
    ports,
  });
}

const full = (name: string): string => `${name}.cluster.local`;
const ask = (name: string, type: number): Answer | undefined => zone.resolve(full(name), type);
/** The answers' contents in one line each, sorted. */
function contents(answer: Answer | undefined): string[] {
  const line = ({ data }: { data: Answer['answers'][number]['data'] }): string =>
    Object.values(data).slice(1).join(' ');
  return (answer?.answers ?? []).map(line).sort();
}
const nxdomain = (answer: Answer | undefined): boolean =>
  answer?.rcode === RCODE.NXDOMAIN && answer.authority[0]?.data.type === TYPE.SOA;
const nodata = (answer: Answer | undefined): boolean =>
  answer?.rcode === RCODE.NOERROR && answer.answers.length === 0 && answer.authority[0]?.data.type === TYPE.SOA;

describe('services with cluster IPs', () => {
  beforeEach(() =>
    put('web', {
      clusterIP: '10.96.0.5',
      clusterIPs: ['10.96.0.5', 'fd00:96::5'],
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
  );

  test('184: A and AAAA', () => {
    expect(contents(ask('web.ns.svc', TYPE.A))).toEqual(['10.96.0.5']);
    expect(contents(ask('web.ns.svc', TYPE.AAAA))).toEqual(['fd00:96::5']);
    expect(nodata(ask('web.ns.svc', TYPE.TXT))).toBe(true);
  });

  test('184: SRV of named ports leads to the service', () => {
    const answer = ask('_http._tcp.web.ns.svc', TYPE.SRV);
    expect(contents(answer)).toEqual(['0 100 80 web.ns.svc.cluster.local']);
    expect(answer?.additional.map(({ name }) => name)).toContain('web.ns.svc.cluster.local');
    expect(contents(ask('_dns._udp.web.ns.svc', TYPE.SRV))).toEqual(['0 100 53 web.ns.svc.cluster.local']);
    expect(nxdomain(ask('_dns._tcp.web.ns.svc', TYPE.SRV))).toBe(true);
    expect(nodata(ask('_tcp.web.ns.svc', TYPE.SRV))).toBe(true);
  });

  test('184: PTR leads back, and follows the service', () => {
    const ptr = (): string[] => contents(zone.resolve('5.0.96.10.in-addr.arpa', TYPE.PTR));
    expect(ptr()).toEqual(['web.ns.svc.cluster.local']);
    const v6 = `${'5000000000000000000000006900'.split('').join('.')}.0.0.d.f.ip6.arpa`;
    expect(contents(zone.resolve(v6, TYPE.PTR))).toEqual(['web.ns.svc.cluster.local']);
    source.setService('ns/web', undefined);
    expect(ptr()).toEqual([]);
    expect(nxdomain(zone.resolve('5.0.96.10.in-addr.arpa', TYPE.PTR))).toBe(true);
    expect(zone.resolve('8.8.8.8.in-addr.arpa', TYPE.PTR)).toBeUndefined();
  });

  test('what does not exist is NXDOMAIN, what is above something has no data', () => {
    expect(nxdomain(ask('absent.ns.svc', TYPE.A))).toBe(true);
    expect(nxdomain(ask('web.other.svc', TYPE.A))).toBe(true);
    expect(nxdomain(ask('example.com.ns.svc', TYPE.A))).toBe(true);
    expect(nxdomain(ask('com', TYPE.A))).toBe(true);
    expect(nodata(ask('ns.svc', TYPE.A))).toBe(true);
    expect(nodata(ask('svc', TYPE.A))).toBe(true);
    expect(zone.resolve('example.com', TYPE.A)).toBeUndefined();
    expect(zone.resolve('xcluster.local', TYPE.A)).toBeUndefined();
  });
});

describe('headless services', () => {
  beforeEach(() => {
    put('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80 }] });
    putSlice('db', [
      { addresses: ['10.244.0.5'], hostname: 'db-0' },
      { addresses: ['10.244.0.6'] },
      { addresses: ['10.244.0.7'], hostname: 'db-2', conditions: { ready: false } },
    ]);
  });

  test('182, 183, 184: all ready endpoints, and each by its hostname or address', () => {
    expect(contents(ask('db.ns.svc', TYPE.A))).toEqual(['10.244.0.5', '10.244.0.6']);
    expect(contents(ask('db-0.db.ns.svc', TYPE.A))).toEqual(['10.244.0.5']);
    expect(contents(ask('10-244-0-6.db.ns.svc', TYPE.A))).toEqual(['10.244.0.6']);
    expect(nxdomain(ask('db-2.db.ns.svc', TYPE.A))).toBe(true);
    expect(nodata(ask('db.ns.svc', TYPE.AAAA))).toBe(true);
    putSlice('db', [{ addresses: ['fd00::5'], hostname: 'db-0' }]);
    expect(contents(ask('db-0.db.ns.svc', TYPE.AAAA))).toEqual(['fd00::5']);
  });

  test('184, 186: SRV leads to the endpoints, with their addresses', () => {
    const answer = ask('_http._tcp.db.ns.svc', TYPE.SRV);
    expect(contents(answer)).toEqual([
      '0 100 8080 10-244-0-6.db.ns.svc.cluster.local',
      '0 100 8080 db-0.db.ns.svc.cluster.local',
    ]);
    expect(answer?.additional).toHaveLength(2);
    expect(contents(zone.resolve('5.0.244.10.in-addr.arpa', TYPE.PTR))).toEqual(['db-0.db.ns.svc.cluster.local']);
  });

  test('endpoints that are not ready are there when the service publishes them; none at all is NXDOMAIN', () => {
    put('db', { clusterIP: 'None', publishNotReadyAddresses: true });
    expect(contents(ask('db.ns.svc', TYPE.A))).toHaveLength(3);
    putSlice('db', []);
    expect(nxdomain(ask('db.ns.svc', TYPE.A))).toBe(true);
  });

  test('the order is another one each time', () => {
    const first = new Set(Array.from({ length: 30 }, () => JSON.stringify(ask('db.ns.svc', TYPE.A)?.answers[0])));
    expect(first.size).toBe(2);
  });
});

test('181, 204: an external name is a CNAME, follows edits, and becomes an address', () => {
  put('ext', { type: 'ExternalName', externalName: 'Foo.example.com.' });
  expect(contents(ask('ext.ns.svc', TYPE.A))).toEqual(['foo.example.com']);
  put('ext', { type: 'ExternalName', externalName: 'bar.example.com' });
  expect(contents(ask('ext.ns.svc', TYPE.CNAME))).toEqual(['bar.example.com']);
  put('ext', { type: 'ClusterIP', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] });
  expect(contents(ask('ext.ns.svc', TYPE.A))).toEqual(['10.96.0.9']);
  put('ext', { type: 'ExternalName', externalName: '192.0.2.1' });
  expect(nodata(ask('ext.ns.svc', TYPE.A))).toBe(true);
});

test('names of pods by their address', () => {
  expect(contents(ask('10-244-0-5.ns.pod', TYPE.A))).toEqual(['10.244.0.5']);
  expect(contents(ask('fd00--5.ns.pod', TYPE.AAAA))).toEqual(['fd00::5']);
  expect(nodata(ask('10-244-0-5.ns.pod', TYPE.AAAA))).toBe(true);
  expect(nxdomain(ask('web.ns.pod', TYPE.A))).toBe(true);
});

test('the zone itself', () => {
  expect(contents(ask('dns-version', TYPE.TXT))).toEqual(['1.1.0']);
  expect(zone.resolve('cluster.local', TYPE.SOA)?.answers).toHaveLength(1);
  expect(contents(zone.resolve('cluster.local', TYPE.NS))).toEqual(['ns.dns.cluster.local']);
  expect(contents(ask('ns.dns', TYPE.A))).toEqual(['10.96.0.10']);
});

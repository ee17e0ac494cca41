import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterZone } from '../../agent/dns/cluster-zone.js';
import { framed, type UpstreamServer } from '../../agent/dns/exchange.js';
import { Forwarder } from '../../agent/dns/forwarder.js';
import { encodeAnswer } from '../../agent/dns/encode-answer.js';
import {
  decodeQuery,
  decodeUpstream,
  encodeUpstreamQuery,
  questionOf,
  type Query,
  type UpstreamAnswer,
} from '../../agent/dns/message.js';
import { failure, RCODE, TYPE, type DnsRecord } from '../../agent/dns/records.js';
import { Resolver } from '../../agent/dns/resolver.js';
import { DnsServer } from '../../agent/dns/server.js';
import { ServiceTable } from '../../agent/network/service-index.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import { service, slice } from './support.js';

// The DNS server on real sockets of the loopback device, with a name server of our own as its upstream.

/** A name server that answers by a function; what it was asked stands in `asked`. */
class Upstream {
  readonly asked: string[] = [];
  answers: (query: Query, transport: 'udp' | 'tcp') => DnsRecord[] | 'silence' | number = () => RCODE.NXDOMAIN;
  readonly #udp = createSocket('udp4');
  readonly #tcp = createServer();
  server: UpstreamServer = { ip: '127.0.0.1', port: 0 };

  async start(): Promise<void> {
    this.#udp.on('message', (message, from) => {
      const answer = this.#answer(message, 'udp');
      if (answer !== undefined) this.#udp.send(answer, from.port, from.address);
    });
    this.#tcp.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const answer = this.#answer(chunk.subarray(2), 'tcp');
        if (answer !== undefined) socket.end(framed(answer));
      });
    });
    this.#tcp.listen(0, '127.0.0.1');
    await once(this.#tcp, 'listening');
    const { port } = this.#tcp.address() as AddressInfo;
    this.server = { ip: '127.0.0.1', port };
    this.#udp.bind(port, '127.0.0.1');
    await once(this.#udp, 'listening');
  }

  #answer(message: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined {
    const query = decodeQuery(message);
    this.asked.push(`${query.name} ${transport}`);
    const answers = this.answers(query, transport);
    if (answers === 'silence') return undefined;
    const answer = typeof answers === 'number' ? failure(answers) : { ...failure(0), answers };
    return encodeAnswer(query, answer, transport === 'udp' ? 512 : 65_535);
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }
}

const a = (name: string, address: string, ttlSeconds = 60): DnsRecord => ({
  name,
  ttlSeconds,
  data: { type: TYPE.A, address },
});

let upstream: Upstream;
let upstreams: UpstreamServer[];
let source: ServiceTable;
let server: DnsServer;
let isReady: boolean;
let allowed: (address: string) => boolean;
let clock: FakeClock | typeof systemClock;

beforeEach(async () => {
  upstream = new Upstream();
  await upstream.start();
  upstreams = [upstream.server];
  source = new ServiceTable();
  isReady = true;
  allowed = () => true;
  clock = systemClock;
  server = await start();
});
afterEach(async () => {
  await server.close();
  upstream.close();
});

async function start(): Promise<DnsServer> {
  const random = systemRandom();
  const log = (): void => undefined;
  const zone = new ClusterZone({
    source,
    domain: 'cluster.local',
    ranges: [],
    nameServerIps: ['10.96.0.10'],
    random,
    nowSeconds: () => 1,
  });
  const forwarder = new Forwarder({ servers: () => Promise.resolve(upstreams), clock, random, log });
  const resolver = new Resolver({ zone, forwarder, isReady: () => isReady, log });
  const one = new DnsServer({
    resolver,
    addresses: ['127.0.0.1', '::1'],
    port: 0,
    isAllowed: (ip) => allowed(ip),
    log,
  });
  await one.start();
  return one;
}

function question(name: string, type: number, udpBytes?: number): Buffer {
  const edns = udpBytes === undefined ? undefined : { udpBytes, version: 0, dnssecOk: false };
  const query: Query = { id: 0, opcode: 0, flags: 0x100, name, type, class: 1, question: questionOf(name, type), edns };
  return encodeUpstreamQuery(query, 1234, udpBytes ?? 0);
}

async function ask(name: string, type: number = TYPE.A, udpBytes?: number): Promise<UpstreamAnswer & { size: number }> {
  const socket = createSocket('udp4');
  socket.send(question(name, type, udpBytes), server.port, '127.0.0.1');
  const [message] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return { ...decodeUpstream(message), size: message.length };
}

/** Several questions in one go over one connection. */
async function askTcp(...messages: Buffer[]): Promise<UpstreamAnswer[]> {
  const socket = connect(server.port, '127.0.0.1');
  socket.end(Buffer.concat(messages.map(framed)));
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) received = Buffer.concat([received, chunk]);
  const answers: UpstreamAnswer[] = [];
  while (received.length > 0) {
    const end = 2 + received.readUInt16BE(0);
    answers.push(decodeUpstream(received.subarray(2, end)));
    received = received.subarray(end);
  }
  return answers;
}

const addressesOf = (answer: UpstreamAnswer): string[] =>
  answer.answers.map(({ data }) => ('address' in data ? data.address : 'target' in data ? data.target : '')).sort();

test('185: kubernetes.default over UDP and TCP, in any spelling, on IPv4 and IPv6', async () => {
  source.setService('default/kubernetes', service('kubernetes', { clusterIP: '10.96.0.1' }));
  const answer = await ask('KUBERNETES.default.svc.Cluster.Local');
  expect(addressesOf(answer)).toEqual(['10.96.0.1']);
  expect(answer.question.toString('latin1')).toContain('KUBERNETES');
  const [overTcp] = await askTcp(question('kubernetes.default.svc.cluster.local', TYPE.A));
  expect(addressesOf(overTcp as UpstreamAnswer)).toEqual(['10.96.0.1']);
  expect(upstream.asked).toEqual([]);
});

test('before the cluster has been read nothing is said not to exist', async () => {
  isReady = false;
  upstream.answers = () => [a('example.com', '192.0.2.1')];
  expect((await ask('web.default.svc.cluster.local')).rcode).toBe(RCODE.SERVFAIL);
  expect((await ask('example.com')).rcode).toBe(RCODE.NOERROR);
});

test('an answer that is too long for UDP is cut and marked, and whole over TCP and with EDNS', async () => {
  source.setService('default/big', service('big', { clusterIP: 'None' }));
  const ips = Array.from({ length: 100 }, (_, index) => `10.244.7.${index}`);
  source.setSlice('default/big-1', slice('big', ips));
  const name = 'big.default.svc.cluster.local';
  const cut = await ask(name);
  expect(cut.truncated).toBe(true);
  expect(cut.size).toBeLessThanOrEqual(512);
  expect(await ask(name, TYPE.A, 4096)).toMatchObject({ truncated: false, answers: { length: 100 } });
  const whole = await askTcp(question(name, TYPE.A), question(name, TYPE.A));
  expect(whole.map(({ truncated, answers }) => [truncated, answers.length])).toEqual([
    [false, 100],
    [false, 100],
  ]);
});

describe('forwarding', () => {
  test('what is not of the cluster goes upstream once, and is remembered for its time', async () => {
    await server.close();
    clock = new FakeClock(1_000_000);
    server = await start();
    upstream.answers = () => [a('example.com', '192.0.2.1', 50)];
    expect(addressesOf(await ask('example.com'))).toEqual(['192.0.2.1']);
    await (clock as FakeClock).advance(20_000);
    const later = await ask('Example.COM');
    expect(later.answers[0]).toMatchObject({ ttlSeconds: 30 });
    expect(later.question.toString('latin1')).toContain('Example');
    expect(upstream.asked).toEqual(['example.com udp']);
    await (clock as FakeClock).advance(31_000);
    await ask('example.com');
    expect(upstream.asked).toHaveLength(2);
  });

  test('many who ask the same at a time make one question upstream', async () => {
    upstream.answers = () => [a('example.com', '192.0.2.1')];
    await Promise.all(Array.from({ length: 20 }, () => ask('example.com')));
    expect(upstream.asked).toEqual(['example.com udp']);
  });

  test('an answer that does not fit a datagram is fetched over TCP', async () => {
    upstream.answers = () => Array.from({ length: 60 }, (_, index) => a('many.example.com', `192.0.2.${index}`));
    expect(await ask('many.example.com', TYPE.A, 4096)).toMatchObject({ truncated: false, answers: { length: 60 } });
    expect(upstream.asked).toEqual(['many.example.com udp', 'many.example.com tcp']);
    expect((await ask('many.example.com')).truncated).toBe(true);
  });

  test('the next server is asked when one fails; when all do it is SERVFAIL', async () => {
    const other = new Upstream();
    await other.start();
    other.answers = () => [a('example.com', '192.0.2.2')];
    upstream.answers = () => RCODE.SERVFAIL;
    upstreams = [{ ip: '127.0.0.1', port: 1 }, upstream.server, other.server];
    expect(addressesOf(await ask('example.com'))).toEqual(['192.0.2.2']);
    upstreams = [{ ip: '127.0.0.1', port: 1 }];
    expect((await ask('other.example.com')).rcode).toBe(RCODE.SERVFAIL);
    upstreams = [];
    expect((await ask('third.example.com')).rcode).toBe(RCODE.SERVFAIL);
    other.close();
  });

  test('a server that sends our questions back is noticed', async () => {
    upstreams = [{ ip: '127.0.0.1', port: server.port }];
    expect((await ask('loop.example.com')).rcode).toBe(RCODE.SERVFAIL);
  });

  test('forged answers are not listened to', async () => {
    const liar = createSocket('udp4');
    liar.bind(0, '127.0.0.1');
    await once(liar, 'listening');
    liar.on('message', (message, from) => {
      const query = decodeQuery(message);
      const answer = { ...failure(0), answers: [a(query.name ?? '', '203.0.113.66')] };
      const wrongId = encodeAnswer({ ...query, id: query.id ^ 1 }, answer, 512);
      const wrongName = encodeAnswer({ ...query, question: questionOf('evil.example.com', 1) }, answer, 512);
      const right = encodeAnswer(query, { ...answer, answers: [a(query.name ?? '', '192.0.2.1')] }, 512);
      for (const bytes of [wrongId, wrongName, Buffer.from('x'), right]) liar.send(bytes, from.port, from.address);
    });
    upstreams = [{ ip: '127.0.0.1', port: liar.address().port }];
    expect(addressesOf(await ask('example.com'))).toEqual(['192.0.2.1']);
    liar.close();
  });

  test('181: an external name is given with what it stands for', async () => {
    source.setService('default/ext', service('ext', { type: 'ExternalName', externalName: 'foo.example.com' }));
    upstream.answers = () => [a('foo.example.com', '192.0.2.9')];
    expect(addressesOf(await ask('ext.default.svc.cluster.local'))).toEqual(['192.0.2.9', 'foo.example.com']);
    upstream.answers = () => RCODE.NXDOMAIN;
    source.setService('default/ext', service('ext', { type: 'ExternalName', externalName: 'bar.example.com' }));
    expect(addressesOf(await ask('ext.default.svc.cluster.local'))).toEqual(['bar.example.com']);
    source.setService('default/web', service('web', { clusterIP: '10.96.0.7' }));
    const inside = 'web.default.svc.cluster.local';
    source.setService('default/ext', service('ext', { type: 'ExternalName', externalName: inside }));
    expect(addressesOf(await ask('ext.default.svc.cluster.local'))).toEqual(['10.96.0.7', inside]);
    const loop = service('ext', { type: 'ExternalName', externalName: 'ext.default.svc.cluster.local' });
    source.setService('default/ext', loop);
    expect((await ask('ext.default.svc.cluster.local')).rcode).toBe(RCODE.SERVFAIL);
  });
});

describe('bad input', () => {
  const silence = async (message: Buffer): Promise<boolean> => {
    const socket = createSocket('udp4');
    socket.send(message, server.port, '127.0.0.1');
    const heard = once(socket, 'message').then(() => false);
    const isSilent = await Promise.race([heard, new Promise((resolve) => setTimeout(() => resolve(true), 200))]);
    socket.close();
    return isSilent === true;
  };

  test('who is not of the cluster hears nothing', async () => {
    allowed = () => false;
    expect(await silence(question('kubernetes.default.svc.cluster.local', TYPE.A))).toBe(true);
    // The connection is closed at once, before or after our question.
    expect(await askTcp(question('x.cluster.local', TYPE.A)).catch(() => [])).toEqual([]);
  });

  test('answers and noise are not answered; other mistakes are named', async () => {
    expect(await silence(Buffer.from('x'))).toBe(true);
    const answer = question('a.b', TYPE.A);
    answer.writeUInt16BE(0x8000, 2);
    expect(await silence(answer)).toBe(true);
    expect((await ask('cluster.local', TYPE.AXFR)).rcode).toBe(RCODE.REFUSED);
    expect((await askTcp(question('x.cluster.local', TYPE.A)))[0]?.rcode).toBe(RCODE.NXDOMAIN);
  });

  test('a thousand questions over one connection are all answered', async () => {
    const messages = Array.from({ length: 1000 }, (_, index) => question(`n${index}.cluster.local`, TYPE.A));
    expect(await askTcp(...messages)).toHaveLength(1000);
  });
});

test('186: dig finds what it looks for', async (context) => {
  const run = promisify(execFile);
  const version = await run('dig', ['-v']).catch(() => undefined);
  if (version === undefined) {
    const reason = 'no dig: apt-get install -y dnsutils';
    Object.assign(context.task.meta, { skipReason: reason });
    context.skip(reason);
  }
  source.setService('default/db', service('db', { clusterIP: 'None', clusterIPs: ['None'] }));
  const endpoint = { addresses: ['10.244.0.5'], hostname: 'db-0' };
  source.setSlice('default/db-1', slice('db', [endpoint], [{ name: 'pg', port: 5432, protocol: 'TCP' }]));
  const dig = async (...args: string[]): Promise<string> =>
    (await run('dig', ['@127.0.0.1', '-p', String(server.port), '+time=2', '+tries=1', '+search', '+ndots=5', ...args]))
      .stdout;
  const domain = '+domain=default.svc.cluster.local';
  expect(await dig('+short', domain, 'db')).toBe('10.244.0.5\n');
  expect(await dig('+short', domain, '_pg._tcp.db', 'SRV')).toBe('0 100 5432 db-0.db.default.svc.cluster.local.\n');
  expect(await dig('+short', '+tcp', 'db-0.db.default.svc.cluster.local')).toBe('10.244.0.5\n');
  expect(await dig('+short', '-x', '10.244.0.5')).toBe('db-0.db.default.svc.cluster.local.\n');
  const whole = await dig('nowhere.default.svc.cluster.local');
  expect(whole).toMatch(/status: NXDOMAIN/);
  expect(whole).toMatch(/flags: qr aa rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1/);
  expect(whole).not.toMatch(/malformed|bad packet/i);
});

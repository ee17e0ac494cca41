import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startDns } from '../../agent/dns/index.js';
import { encodeUpstreamQuery, questionOf } from '../../agent/dns/message.js';
import { TYPE } from '../../agent/dns/records.js';
import { ServiceTable } from '../../agent/network/service-index.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import type { BenchResult } from './result.js';
import { p50p99, perSecond } from './support/statistics.js';

const SERVICES = 1000;
const LOAD_MS = 4000;

interface Load {
  answers: number;
  latencies: number[];
}

/** Answers about the cluster over UDP, asked from a process of its own on the same machine. */
export async function benchDns(say: (text: string) => void): Promise<BenchResult[]> {
  const source = new ServiceTable();
  for (let index = 0; index < SERVICES; index++) {
    const spec = { clusterIP: `10.96.${index >> 8}.${index & 255}`, ports: [{ port: 80 }] };
    source.setService(`bench/s${index}`, { metadata: { name: `s${index}`, namespace: 'bench' }, spec });
  }
  const dns = await startDns({
    source,
    isReady: () => true,
    domain: 'cluster.local',
    addresses: ['127.0.0.1'],
    port: 0,
    clusterDnsIps: [],
    podRanges: [],
    serviceRanges: [],
    resolvConf: '/dev/null',
    clock: systemClock,
    random: systemRandom(),
    log: () => undefined,
  });
  try {
    const results: BenchResult[] = [];
    for (const outstanding of [1, 32]) {
      say(`${outstanding} questions at a time`);
      const { answers, latencies } = await load(dns.port, outstanding);
      const name = `DNS: ${outstanding} questions at a time, 1,000 Services`;
      results.push({ name: `${name}, answers`, value: perSecond(answers, LOAD_MS), aim: 'above 10,000/s at 32' });
      results.push({ name: `${name}, p50 / p99`, value: p50p99(latencies), aim: 'p99 below 5 ms' });
    }
    return results;
  } finally {
    await dns.close();
  }
}

async function load(port: number, outstanding: number): Promise<Load> {
  const questions = Array.from({ length: SERVICES }, (_, index) => {
    const name = `s${index}.bench.svc.cluster.local`;
    const question = questionOf(name, TYPE.A);
    const query = { id: 0, opcode: 0, flags: 0x100, name, type: TYPE.A, class: 1, question };
    return encodeUpstreamQuery(query, 0, 0).toString('base64');
  });
  const child = fork(path.resolve('test/bench/support/dns-load.mjs'));
  child.send({ port, outstanding, ms: LOAD_MS, questions });
  const [result] = (await once(child, 'message')) as [Load];
  child.disconnect();
  return result;
}

import { definitionOf, DEFINITIONS, objectOf } from '../../functions/apiserver/custom/test-definitions.js';
import { startApi, type TestApi, type TestWatch } from '../api/support/api.js';
import type { BenchResult } from './result.js';
import { median, p50p99, perSecond } from './support/statistics.js';

/** Requests under way at one time. */
const CONCURRENCY = 20;
const WARM_UP = 1_000;
const WRITES = 1_500;
const DEFINITIONS_COUNT = 500;
const LISTED = 10_000;
const PAGE = 500;
const WATCHES = 1_000;
/** One in so many watches selects what is written. */
const SELECTED_EVERY = 10;
const EVENTS = 40;

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const TABS = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const APPLY = { 'content-type': 'application/apply-patch+yaml' };

/** Server-side apply, custom resources, selecting watches, long lists: the API server in this process over the memory store, without a network. */
export async function benchExtensions(say: (text: string) => void): Promise<BenchResult[]> {
  const api = await startApi();
  try {
    say('writing');
    const results = await benchWrites(api);
    say(`${WATCHES} watches with selectors`);
    results.push(await benchWatches(api));
    say(`a list of ${LISTED}`);
    results.push(...(await benchLists(api)));
    say(`${DEFINITIONS_COUNT} definitions`);
    results.push(...(await benchDefinitions(api)));
    return results;
  } finally {
    await api.close();
  }
}

async function benchWrites(api: TestApi): Promise<BenchResult[]> {
  const rules = [
    { rule: 'self.replicas <= self.maxReplicas', message: 'too many' },
    { rule: "self.image.startsWith('example.com/') && self.args.all(a, size(a) < 100)" },
  ];
  await define(api, 'CronTab', []);
  await define(api, 'RuledTab', rules);
  const spec = { image: 'example.com/app:1', replicas: 2, maxReplicas: 5, args: ['a', 'b', 'c'] };
  const tab = (kind: string) => (name: string) => objectOf(name, { spec }, { kind });
  const ruled = '/apis/stable.example.com/v1/namespaces/default/ruledtabs';
  const plain = await measure(api, 'plain', (name) => create(CONFIG_MAPS, configMap(name)));
  const applied = await measure(api, 'applied', (name) => apply(CONFIG_MAPS, configMap(name)));
  const again = await measure(api, 'applied', (name) => apply(CONFIG_MAPS, configMap(name)));
  const custom = await measure(api, 'custom', (name) => create(TABS, tab('CronTab')(name)));
  const withRules = await measure(api, 'ruled', (name) => create(ruled, tab('RuledTab')(name)));
  const row = (name: string, elapsedMs: number): BenchResult => ({
    name: `in process: ${name}`,
    value: `${perSecond(WRITES, elapsedMs)} (${(elapsedMs / plain).toFixed(2)} of a plain CREATE's time)`,
  });
  return [
    row('CREATE of a config map', plain),
    row('server-side apply that creates one', applied),
    row('server-side apply that changes nothing', again),
    row('CREATE of a custom resource', custom),
    row('CREATE of a custom resource with two CEL rules', withRules),
  ];
}

type Write = { method: string; path: string; body: object; headers?: Record<string, string> };

function create(path: string, body: object): Write {
  return { method: 'POST', path, body };
}

function apply(path: string, body: object): Write {
  const { name } = (body as { metadata: { name: string } }).metadata;
  return { method: 'PATCH', path: `${path}/${name}?fieldManager=bench&force=true`, body, headers: APPLY };
}

function configMap(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { app: name } },
    data: { key: 'v'.repeat(200) },
  };
}

/** Milliseconds for `WRITES` requests, after some that do not count. */
async function measure(api: TestApi, prefix: string, write: (name: string) => Write): Promise<number> {
  const run = async (first: number, count: number): Promise<void> => {
    let next = first;
    const worker = async (): Promise<void> => {
      while (next < first + count) await send(api, write(`${prefix}-${next++}`));
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  };
  await run(0, WARM_UP);
  const startMs = performance.now();
  await run(WARM_UP, WRITES);
  return performance.now() - startMs;
}

async function send(api: TestApi, { method, path, body, headers }: Write): Promise<void> {
  const { status, text } = await api.request(method, path, body, headers);
  if (status > 201) throw new Error(`${method} ${path}: ${status} ${text}`);
}

function define(api: TestApi, kind: string, rules: object[]): Promise<void> {
  const properties = {
    image: { type: 'string', maxLength: 200 },
    replicas: { type: 'integer', minimum: 0 },
    maxReplicas: { type: 'integer', default: 10 },
    args: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 200 } },
  };
  const spec = { type: 'object', properties, ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }) };
  const definition = definitionOf({ kind, schema: { type: 'object', properties: { spec } } });
  return send(api, create(DEFINITIONS, definition));
}

/** From a write until each watch that selects it has its event. */
async function benchWatches(api: TestApi): Promise<BenchResult> {
  const { json } = await api.request('GET', `${CONFIG_MAPS}?limit=1`);
  const { resourceVersion } = (json as { metadata: { resourceVersion: string } }).metadata;
  const watches: TestWatch[] = [];
  while (watches.length < WATCHES) {
    const opened = Array.from({ length: CONCURRENCY }, (_, index) => {
      const selector = `labelSelector=app%3Dw${(watches.length + index) % SELECTED_EVERY}`;
      return api.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${resourceVersion}&${selector}&timeoutSeconds=600`);
    });
    watches.push(...(await Promise.all(opened)));
  }
  const latencies: number[] = [];
  for (let event = 0; event < EVENTS; event++) {
    const selected = watches.filter((_, index) => index % SELECTED_EVERY === event % SELECTED_EVERY);
    const startMs = performance.now();
    const arrived = selected.map(async (watch) => {
      await watch.next();
      latencies.push(performance.now() - startMs);
    });
    const labels = { app: `w${event % SELECTED_EVERY}` };
    await send(
      api,
      create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `event-${event}`, labels } }),
    );
    await Promise.all(arrived);
  }
  for (const watch of watches) watch.stop();
  const name = `in process: write to watch event, ${WATCHES} watches with selectors, each event for ${WATCHES / SELECTED_EVERY}`;
  return { name, value: p50p99(latencies) };
}

async function benchLists(api: TestApi): Promise<BenchResult[]> {
  const path = '/api/v1/namespaces/kube-public/configmaps';
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < LISTED) await send(api, create(path, configMap(`listed-${next++}`)));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const whole = await withPeak(async () => void (await read(api, path)));
  const paged = await withPeak(async () => {
    for (let token = ''; ;) {
      const { json } = await api.request('GET', `${path}?limit=${PAGE}&continue=${encodeURIComponent(token)}`);
      token = (json as { metadata: { continue?: string } }).metadata.continue ?? '';
      if (token === '') return;
    }
  });
  const value = ({ elapsedMs, peakMb }: { elapsedMs: number; peakMb: number }): string =>
    `${Math.round(elapsedMs)} ms, at most ${Math.round(peakMb)} MB more`;
  const count = LISTED.toLocaleString('en');
  return [
    { name: `in process: LIST of ${count} config maps, whole`, value: value(whole) },
    { name: `in process: LIST of ${count} config maps, in pages of ${PAGE}`, value: value(paged) },
  ];
}

/** How far memory rises above where it was, looked at every few milliseconds. */
async function withPeak(run: () => Promise<void>): Promise<{ elapsedMs: number; peakMb: number }> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = (): void => void (peak = Math.max(peak, process.memoryUsage.rss()));
  const timer = setInterval(look, 2);
  const startMs = performance.now();
  await run();
  const elapsedMs = performance.now() - startMs;
  look();
  clearInterval(timer);
  return { elapsedMs, peakMb: (peak - before) / 1e6 };
}

async function read(api: TestApi, path: string, headers: Record<string, string> = {}): Promise<number> {
  const startMs = performance.now();
  const { status } = await api.request('GET', path, undefined, headers);
  if (status !== 200) throw new Error(`GET ${path}: ${status}`);
  return performance.now() - startMs;
}

async function benchDefinitions(api: TestApi): Promise<BenchResult[]> {
  const createMs: number[] = [];
  for (let index = 0; index < DEFINITIONS_COUNT; index++) {
    const startMs = performance.now();
    await define(api, `Kind${index}x`, []);
    createMs.push(performance.now() - startMs);
  }
  const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
  const v2 = { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' };
  const twice = async (path: string, headers?: Record<string, string>): Promise<string> => {
    const [first, second] = [await read(api, path, headers), await read(api, path, headers)];
    return `${Math.round(first)} ms, then ${second.toFixed(1)} ms`;
  };
  const name = (what: string): string => `in process: with ${DEFINITIONS_COUNT} definitions, ${what}`;
  const gets: number[] = [];
  for (let count = 0; count < 500; count++) gets.push(await read(api, `${CONFIG_MAPS}/plain-0`));
  return [
    { name: name('CREATE of a definition (p50 / p99)'), value: p50p99(createMs) },
    { name: name('aggregated discovery'), value: await twice('/apis', aggregated) },
    { name: name('index of OpenAPI v3'), value: await twice('/openapi/v3') },
    { name: name('OpenAPI v2'), value: await twice('/openapi/v2', v2) },
    { name: name('GET of a config map (p50)'), value: `${(median(gets) * 1000).toFixed(0)} µs` },
  ];
}

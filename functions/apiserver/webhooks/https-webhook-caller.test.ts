import { createServer, connect, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startWebhookServer, type WebhookServer } from '../../../test/support/webhook-server.js';
import { systemClock } from '../../../lib/clock/system.js';
import { seededRandom } from '../../../lib/random.js';
import { TestObjects } from '../admission/test-objects.js';
import type { NodeConnection } from '../registry/node-connection.js';
import { HttpsConnector } from './https-connector.js';
import { HttpsWebhookCaller } from './https-webhook-caller.js';
import { EndpointResolver } from './service-resolver.js';
import type { WebhookClientConfig } from './webhook-caller.js';

const REVIEW = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };

let server: WebhookServer;
const connectors: HttpsConnector[] = [];

beforeAll(async () => {
  server = await startWebhookServer(
    (_review, path) => {
      switch (path.split('?')[0]) {
        case '/hang':
          return () => undefined;
        case '/drip':
          return (response) => {
            response.writeHead(200).write('{');
          };
        case '/garbage':
          return (response) => response.end('garbage');
        case '/number':
          return (response) => response.end('1');
        case '/huge':
          return (response) => response.end(Buffer.alloc(10 * 1024 * 1024, ' '));
        case '/moved':
          return (response) => response.writeHead(302, { location: `${server.url}/ok` }).end();
        case '/failing':
          return (response) => response.writeHead(500).end('the database is away\n');
        case '/nothing':
          return (response) => response.writeHead(404).end();
        case '/broken':
          return (response) => response.destroy();
        default:
          return { kind: 'Fine', path };
      }
    },
    { dnsNames: ['hook.shop.svc'] },
  );
});
afterAll(() => server.close());
afterEach(() => {
  for (const connector of connectors.splice(0)) connector.close();
});

function caller(objects: Record<string, object[]> = {}, nodes?: NodeConnection): HttpsWebhookCaller {
  const connector = new HttpsConnector(nodes);
  connectors.push(connector);
  const services = new EndpointResolver(new TestObjects(objects), seededRandom(1));
  return new HttpsWebhookCaller({ connector, services, clock: systemClock });
}

const at = (path: string): WebhookClientConfig => ({ url: `${server.url}${path}`, caBundle: server.caBundle });

describe('a webhook with a URL', () => {
  test('is sent the review, with the time it has', async () => {
    const answer = await caller().post(at('/ok?mine=1'), { review: REVIEW, timeoutMs: 9_500 });
    expect(answer).toEqual({ kind: 'Fine', path: '/ok?mine=1&timeout=10s' });
    expect(server.received.at(-1)?.review).toEqual(REVIEW);
  });

  test('keeps its connection for the next call', async () => {
    const one = caller();
    for (let call = 0; call < 5; call++) await one.post(at('/ok'), { review: REVIEW, timeoutMs: 9_000 });
  });

  test.each([
    ['/hang', 'timeout', 'context deadline exceeded'],
    ['/drip', 'timeout', 'context deadline exceeded'],
    ['/huge', 'too-large', 'the answer is larger than 6291456 bytes'],
    ['/broken', 'unreachable', 'EOF'],
  ])('%s: is given up', async (path, code, text) => {
    const promise = caller().post(at(path), { review: REVIEW, timeoutMs: 700 });
    await expect(promise).rejects.toMatchObject({ code, message: `Post "${server.url}${path}?timeout=1s": ${text}` });
  });

  test.each([
    ['/garbage', 'malformed', /^couldn't get version\/kind; json parse error: invalid character 'g'/],
    ['/number', 'malformed', /^couldn't get version\/kind; json parse error/],
    ['/moved', 'rejected', /^the server responded with the status code 302 but did not return more information$/],
    [
      '/failing',
      'rejected',
      /^an error on the server \("the database is away"\) has prevented the request from succeeding$/,
    ],
    ['/nothing', 'rejected', /^the server could not find the requested resource$/],
  ])('%s: its answer is no answer', async (path, code, message) => {
    const promise = caller().post(at(path), { review: REVIEW, timeoutMs: 5_000 });
    await expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('must prove who it is', async () => {
    const other = await startWebhookServer(() => ({}));
    await other.close();
    const config = { url: `${server.url}/ok`, caBundle: other.caBundle };
    const wrongCa = caller().post(config, { review: REVIEW, timeoutMs: 5_000 });
    await expect(wrongCa).rejects.toMatchObject({
      code: 'untrusted',
      message: expect.stringContaining('x509: certificate signed by unknown authority'),
    });
    const noCa = caller().post({ url: `${server.url}/ok` }, { review: REVIEW, timeoutMs: 5_000 });
    await expect(noCa).rejects.toMatchObject({ code: 'untrusted' });
    const refused = caller().post({ url: other.url }, { review: REVIEW, timeoutMs: 5_000 });
    await expect(refused).rejects.toThrow(
      `Post "${other.url}/?timeout=5s": dial tcp 127.0.0.1:${other.port}: connect: connection refused`,
    );
  });

  test('whose URL or bundle cannot be used is refused', async () => {
    const call = { review: REVIEW, timeoutMs: 5_000 };
    await expect(caller().post({ url: 'http://localhost' }, call)).rejects.toMatchObject({ code: 'misconfigured' });
    await expect(caller().post({ url: 'nowhere' }, call)).rejects.toMatchObject({ code: 'misconfigured' });
    await expect(caller().post({ url: server.url, caBundle: 'AAAA' }, call)).rejects.toMatchObject({
      code: 'misconfigured',
    });
  });
});

describe('a webhook behind a service', () => {
  const service = { namespace: 'shop', name: 'hook', port: 8443, path: '/ok' };
  const config = (): WebhookClientConfig => ({ service, caBundle: server.caBundle });
  const objects = (endpoint: object): Record<string, object[]> => ({
    services: [
      {
        metadata: { namespace: 'shop', name: 'hook' },
        spec: { type: 'ClusterIP', ports: [{ name: 'web', port: 8443 }] },
      },
    ],
    endpointslices: [
      {
        metadata: { namespace: 'shop', name: 'hook-x', labels: { 'kubernetes.io/service-name': 'hook' } },
        ports: [{ name: 'web', port: server.port }],
        endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }, endpoint],
      },
    ],
  });
  const call = { review: REVIEW, timeoutMs: 5_000 };

  test('is called at a ready endpoint, under its name in the cluster', async () => {
    const answer = await caller(objects({ addresses: ['127.0.0.1'] })).post(config(), call);
    expect(answer).toMatchObject({ path: '/ok?timeout=5s' });
  });

  test('in a pod is called through the node', async () => {
    const asked: unknown[] = [];
    const nodes: NodeConnection = {
      whyNoStreams: '',
      logs: async () => Promise.reject(new Error('none')),
      dialPod: async (pod) => {
        asked.push(pod);
        return connect(server.port, '127.0.0.1');
      },
    };
    const endpoint = { addresses: ['10.244.0.5'], nodeName: 'n1', targetRef: { kind: 'Pod', name: 'hook-0' } };
    expect(await caller(objects(endpoint), nodes).post(config(), call)).toMatchObject({ kind: 'Fine' });
    expect(asked).toEqual([{ node: 'n1', host: '10.244.0.5', port: server.port }]);
    const { dialPod: _, ...withoutPods } = nodes;
    await expect(
      caller(objects(endpoint), { ...withoutPods, whyNoStreams: 'nodes are simulated' }).post(config(), call),
    ).rejects.toThrow('pods cannot be reached from this API server: nodes are simulated');
  });

  test('that does not exist, or that nothing stands behind, says so', async () => {
    const url = 'Post "https://hook.shop.svc:8443/ok?timeout=5s"';
    await expect(caller().post(config(), call)).rejects.toThrow(`${url}: service "hook" not found`);
    const unready = objects({ addresses: ['127.0.0.1'], conditions: { ready: false } });
    await expect(caller(unready).post(config(), call)).rejects.toThrow(
      `${url}: no endpoints available for service "hook"`,
    );
    const elsewhere = { ...config(), service: { ...service, port: 1 } };
    await expect(caller(unready).post(elsewhere, call)).rejects.toThrow('no service port 1 found for service "hook"');
  });
});

test('a call ends when its caller goes', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const gone = new AbortController();
  const promise = caller().post(
    { url: `https://127.0.0.1:${port}` },
    { review: REVIEW, timeoutMs: 20_000, signal: gone.signal },
  );
  gone.abort();
  await expect(promise).rejects.toMatchObject({ message: expect.stringContaining('context canceled') });
  silent.close();
});

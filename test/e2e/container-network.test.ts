import { Resolver } from 'node:dns/promises';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { nodes, pods, services } from '../../lib/client/resources.js';
import type { V1Service } from '../../lib/schema/generated/types.js';
import { eventually } from '../support/eventually.js';
import type { Scene } from '../support/e2e.js';
import { outputOf, shellPod, useRealCluster } from '../support/real-cluster.js';

const cluster = useRealCluster({ range: 209 });
const CLUSTER_DNS = '172.30.209.10';

/** The cluster's DNS, as a program on the node asks it. */
const resolver = new Resolver({ timeout: 2_000, tries: 2 });
resolver.setServers([CLUSTER_DNS]);

/** One request on a connection of its own. */
function get(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent: false, timeout: 5_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => (response.statusCode === 200 ? resolve(body.trim()) : reject(new Error(body))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

/** A pod that says its name on a port. */
const web = (name: string, app: string, port = 8080, portName = 'http'): object =>
  shellPod(name, `mkdir -p /www; echo $HOSTNAME >/www/index.html; httpd -f -p ${port} -h /www`, {
    metadata: { labels: { app } },
    container: { ports: [{ name: portName, containerPort: port }] },
    spec: { terminationGracePeriodSeconds: 0 },
  });

/** Starts these pods and resolves with their addresses. */
async function start({ kubectl, client, namespace }: Scene, ...objects: object[]): Promise<string[]> {
  await kubectl.apply(...objects);
  const names = objects.map((object) => (object as { metadata: { name: string } }).metadata.name);
  await kubectl.ok(['wait', '--for=condition=Ready', ...names.map((name) => `pod/${name}`), '--timeout=60s']);
  return Promise.all(names.map(async (name) => (await client.get(pods, { namespace, name })).status?.podIP ?? ''));
}

/** Who has answered, of some requests. */
async function answering(host: string, port: number): Promise<string[]> {
  const seen = new Set<string>();
  for (let count = 0; count < 30; count++) seen.add(await get(host, port));
  return [...seen].sort();
}

async function nodeAddress({ client }: Scene): Promise<string> {
  const [node] = (await client.list(nodes)).items;
  return node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
}

describe.concurrent('what conformance demands of the network', () => {
  it('rows 195, 197, 137: pods answer each other, and whoever is on the node, at their own addresses', async () => {
    const scene = await cluster.scene('net');
    const { kubectl, client, namespace } = scene;
    const { spec } = web('x', 'rc') as { spec: object };
    await kubectl.apply({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'rc' },
      spec: {
        replicas: 2,
        selector: { app: 'rc' },
        template: { metadata: { labels: { app: 'rc' } }, spec: { ...spec, restartPolicy: 'Always' } },
      },
    });
    await eventually(
      async () => expect(await kubectl.path(['get', 'rc', 'rc'], '{.status.readyReplicas}')).toBe('2'),
      60_000,
    );
    const { items } = await client.list(pods, { namespace, labelSelector: 'app=rc' });
    const expected = items.map(({ metadata }) => metadata?.name).join('\n');
    for (const { metadata } of items) {
      const path = `/api/v1/namespaces/${namespace}/pods/${metadata?.name}:8080/proxy/`;
      expect(await kubectl.ok(['get', '--raw', path])).toBe(`${metadata?.name}\n`);
    }
    const script = items.map(({ status }) => `wget -qO- http://${status?.podIP}:8080/`).join(' && ');
    expect((await outputOf(kubectl, shellPod('asks', script))).trim()).toBe(expected);
    const onNode = shellPod('on-node', script, { spec: { hostNetwork: true } });
    expect((await outputOf(kubectl, onNode)).trim()).toBe(expected);
  });

  it('rows 183, 185: services resolve as A, SRV and PTR, by whole names and by parts of them', async () => {
    const scene = await cluster.scene('net');
    const { kubectl, client, namespace } = scene;
    const named = (name: string, clusterIP?: 'None'): V1Service => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        selector: { app: 'dns' },
        ports: [{ name: 'http', port: 80, targetPort: 'http' as never }],
        ...(clusterIP && { clusterIP }),
      },
    });
    const [podIp = ''] = await start(scene, web('one', 'dns'));
    await kubectl.apply(named('normal'), named('headless', 'None'));
    const { spec } = await client.get(services, { namespace, name: 'normal' });
    const ip = spec?.clusterIP ?? '';
    const zone = `${namespace}.svc.cluster.local`;
    await eventually(async () => {
      expect(await resolver.resolve4(`normal.${zone}`)).toEqual([ip]);
      expect(await resolver.resolve4(`headless.${zone}`)).toEqual([podIp]);
    });
    expect(await resolver.resolveSrv(`_http._tcp.normal.${zone}`)).toMatchObject([
      { port: 80, name: `normal.${zone}` },
    ]);
    const [record] = await resolver.resolveSrv(`_http._tcp.headless.${zone}`);
    expect(record?.port).toBe(8080);
    expect(await resolver.resolve4(record?.name ?? '')).toEqual([podIp]);
    expect(await resolver.reverse(ip)).toEqual([`normal.${zone}`]);
    const script = `for n in normal normal.${namespace} normal.${namespace}.svc; do wget -qO- http://$n/; done
      for n in headless headless.${namespace} headless.${namespace}.svc; do wget -qO- http://$n:8080/; done`;
    expect(await outputOf(kubectl, shellPod('asks', script))).toBe('one\n'.repeat(6));
  });

  it('rows 180, 203, 204, 205, 206, 207: a service changes what it is, and its name and ports follow', async () => {
    const scene = await cluster.scene('net');
    const { kubectl, client, namespace } = scene;
    await start(scene, web('one', 'changes'));
    const name = `changes.${namespace}.svc.cluster.local`;
    const change = (spec: object): Promise<V1Service> =>
      client.patch(services, { namespace, name: 'changes' }, 'merge', { spec });
    await kubectl.ok(['create', 'service', 'externalname', 'changes', '--external-name=foo.example.com']);
    await eventually(async () => expect(await resolver.resolveCname(name)).toEqual(['foo.example.com']));
    await change({ externalName: 'bar.example.com' });
    await eventually(async () => expect(await resolver.resolveCname(name)).toEqual(['bar.example.com']));

    const ports = [{ port: 80, targetPort: 8080, protocol: 'TCP' }];
    const selector = { app: 'changes' };
    const asCluster = await change({ type: 'ClusterIP', externalName: null, ports, selector });
    const ip = asCluster.spec?.clusterIP ?? '';
    await eventually(async () => {
      expect(await resolver.resolve4(name)).toEqual([ip]);
      expect(await get(ip, 80)).toBe('one');
    });
    await change({ type: 'ExternalName', externalName: 'foo.example.com', clusterIP: null, clusterIPs: null });
    await eventually(async () => expect(await resolver.resolveCname(name)).toEqual(['foo.example.com']));
    await eventually(async () => expect(get(ip, 80)).rejects.toThrow());

    const asNodePort = await change({ type: 'NodePort', externalName: null, ports, selector });
    const nodePort = asNodePort.spec?.ports?.[0]?.nodePort ?? 0;
    const address = await nodeAddress(scene);
    await eventually(async () => {
      expect(await get(asNodePort.spec?.clusterIP ?? '', 80)).toBe('one');
      expect(await get(address, nodePort)).toBe('one');
    });
    expect(await outputOf(kubectl, shellPod('asks', 'wget -qO- http://changes/'))).toBe('one\n');
    await change({ type: 'ExternalName', externalName: 'foo.example.com', clusterIP: null, clusterIPs: null });
    await eventually(async () => {
      expect(await resolver.resolveCname(name)).toEqual(['foo.example.com']);
      await expect(get(address, nodePort)).rejects.toThrow();
    });
  });

  it('rows 208, 209, 213, 214: clients stick to a pod when they are to, by cluster IP and by node port', async () => {
    const scene = await cluster.scene('net');
    const { client, namespace } = scene;
    await start(scene, web('one', 'sticky'), web('two', 'sticky'), web('three', 'sticky'));
    const service = await client.create(services, {
      metadata: { namespace, name: 'sticky' },
      spec: {
        type: 'NodePort',
        sessionAffinity: 'ClientIP',
        selector: { app: 'sticky' },
        ports: [{ port: 80, targetPort: 8080 as never }],
      },
    });
    const all = ['one', 'three', 'two'];
    const ways = [
      [service.spec?.clusterIP ?? '', 80],
      [await nodeAddress(scene), service.spec?.ports?.[0]?.nodePort ?? 0],
    ] as const;
    for (const [host, port] of ways) {
      await eventually(async () => expect(all).toContain(await get(host, port)));
      expect(await answering(host, port)).toHaveLength(1);
    }
    const affinity = (sessionAffinity: string): Promise<V1Service> =>
      client.patch(services, { namespace, name: 'sticky' }, 'merge', { spec: { sessionAffinity } });
    await affinity('None');
    for (const [host, port] of ways) await eventually(async () => expect(await answering(host, port)).toEqual(all));
    await affinity('ClientIP');
    for (const [host, port] of ways) await eventually(async () => expect(await answering(host, port)).toHaveLength(1));
  });

  it('row 218: each port of a service leads to the pods that have it', async () => {
    const scene = await cluster.scene('net');
    const { client, kubectl, namespace } = scene;
    const service = await client.create(services, {
      metadata: { namespace, name: 'ports' },
      spec: {
        selector: { app: 'ports' },
        ports: [
          { name: 'a', port: 80, targetPort: 'a' as never },
          { name: 'b', port: 81, targetPort: 'b' as never },
        ],
      },
    });
    const ip = service.spec?.clusterIP ?? '';
    await start(scene, web('has-a', 'ports', 8080, 'a'));
    await eventually(async () => expect(await get(ip, 80)).toBe('has-a'));
    await expect(get(ip, 81)).rejects.toThrow();
    await start(scene, web('has-b', 'ports', 8081, 'b'));
    await eventually(async () => expect(await get(ip, 81)).toBe('has-b'));
    expect(await get(ip, 80)).toBe('has-a');
    await kubectl.ok(['delete', 'pod', 'has-a', '--timeout=30s']);
    await eventually(async () => expect(get(ip, 80)).rejects.toThrow());
    expect(await get(ip, 81)).toBe('has-b');
  });
});

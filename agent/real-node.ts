import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { quantityValue } from '../lib/api/quantity-number.js';
import type { Client } from '../lib/client/client.js';
import type { Follow } from '../lib/client/replica.js';
import { Replicas } from '../lib/client/replicas.js';
import { services } from '../lib/client/resources.js';
import { sleep, type Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import { EventRecorder } from '../lib/work/event-recorder.js';
import { ImagePuller } from './kubelet/image-puller.js';
import { Kubelet } from './kubelet/kubelet.js';
import type { NodeInspection } from './kubelet/node-object.js';
import type { StaticPodOptions } from './kubelet/static-pods.js';
import { PodCgroups } from './kubelet/pod-cgroups.js';
import { PodObjects } from './kubelet/pod-objects.js';
import { ContainerProber } from './kubelet/probes/container-prober.js';
import { RealPods } from './kubelet/real-pods.js';
import { describeMachine, machineHostname } from './machine/describe.js';
import { ImageCleanup } from './machine/image-cleanup.js';
import { Housekeeping } from './machine/housekeeping.js';
import { PressureMonitor, readMachine } from './machine/pressure.js';
import { StorageLimits } from './machine/storage-limits.js';
import { startNetwork, type Network } from './network/index.js';
import { CriRuntime, podLogFolder } from './runtime/cri/cri-runtime.js';
import { criExec } from './runtime/cri/exec.js';
import type { Owner } from './runtime/cri/labels.js';
import { CriImages } from './runtime/cri/images.js';
import { nodeImages, toLocalImage } from './runtime/cri/local-images.js';
import { runtimeProblem, type OpenRuntime } from './runtime/cri/open.js';
import { CriStats } from './runtime/cri/stats.js';
import { criStreaming } from './runtime/cri/streaming.js';
import { AgentServer } from './server/agent-server.js';
import { CallerGate } from './server/caller-gate.js';
import { KubeletNode } from './server/kubelet-node.js';
import { UsageSource } from './server/usage-source.js';
import { systemMounter } from './volumes/mounts.js';
import { TokenSource } from './volumes/token-source.js';
import { VolumeManager } from './volumes/volume-manager.js';

export interface RealNodeOptions {
  /** With the node's own identity. */
  client: Client;
  clock: Clock;
  /** Goes on evenly when `clock` is set: by it is measured how long something takes or is good. Default: `clock`. */
  steady?: Clock;
  random: Random;
  name: string;
  ip: string;
  runtime: OpenRuntime;
  /** Where what belongs to pods is kept. */
  folder: string;
  /** Tells this cluster from others whose agents share the runtime. */
  cluster: string;
  clusterDomain: string;
  clusterDns: readonly string[];
  heartbeatMs: number;
  /** How the node learns what changed for it. Default: by watches. */
  follow?: Follow;
  /** Of the node's own server; 0 takes any free one. */
  kubeletPort: number;
  /** PEM: the server's certificate and key, and the CA of callers; without them there is no server. */
  serving?: { cert: string; key: string; clientCa: string };
  /** Mounted files are compared with their objects so often. */
  refreshMs?: number;
  capacity: Readonly<Record<string, string>>;
  /** Pods that this machine's own files say. */
  staticPods?: StaticPodOptions;
  /** The cluster's ranges of addresses. */
  podCidrs: readonly string[];
  serviceCidrs: readonly string[];
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** A worker with real containers. */
export interface RealNode {
  readonly name: string;
  readonly kubelet: Kubelet;
  readonly runtime: CriRuntime;
  readonly stats: CriStats;
  /** Resolves once the node is registered and Ready. */
  start(): Promise<void>;
  /** Stops the agent; pods run on. */
  stop(): Promise<void>;
  /** Stops the agent and ends all that it has on this machine: containers, mounts, cgroups. */
  destroy(): Promise<void>;
}

/** Several nodes may share a machine: each has a bridge of its own, with a name as short as the kernel wants it. */
function bridgeName({ cluster, node }: Owner): string {
  return `zp${createHash('sha256').update(`${cluster}/${node}`).digest('hex').slice(0, 10)}`;
}

/** While the node is not Ready its runtime is asked so often. */
const READY_CHECK_MS = 250;

/** Containers that end with their agent have this long. */
const DESTROY_GRACE_SECONDS = 3;

/** Puts an agent together from its parts. Nothing of it runs before `start`. */
export async function realNode(options: RealNodeOptions): Promise<RealNode> {
  const { client, clock, steady = clock, random, name, ip, folder, log, clusterDomain, clusterDns } = options;
  const { connection, version } = options.runtime;
  const owner = { cluster: options.cluster, node: name };
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const events = new EventRecorder(client, clock, 'kubelet', name).inBackground();
  const replicas = new Replicas(client, clock, options.follow);
  const runtime = new CriRuntime({ connection, clock, owner, version, log });
  const images = new CriImages(connection);
  const stats = new CriStats(connection, owner);
  const usage = new UsageSource({ clock, nodeName: name, stats, pods: () => kubelet.pods });
  const server =
    options.serving === undefined
      ? undefined
      : new AgentServer({
          tls: options.serving,
          gate: new CallerGate({ client, clock: steady, nodeName: name }),
          node: new KubeletNode({ kubelet: () => kubelet, runtime, clock, usage }),
          runtime: criStreaming(connection),
          log: (message, data) => log('warn', message, data),
        });
  const kubeletPort = await server?.listen(options.kubeletPort, ip);
  const description = await describeMachine({
    name,
    ip,
    folder,
    runtimeVersion: version,
    kubeletPort,
    capacity: options.capacity,
    random,
  });
  const allocatable = description.allocatable ?? description.capacity;
  const exec = criExec(connection);
  const objects = new PodObjects(client, steady);
  const cgroups = new PodCgroups({
    root: `zeroplane-${options.cluster.slice(0, 8)}-${name}`.replaceAll(
      '-',
      options.runtime.cgroupDriver === 'systemd' ? '_' : '-',
    ),
    driver: options.runtime.cgroupDriver,
  });
  const volumes = new VolumeManager({
    folder,
    clock,
    mounter: systemMounter(clock),
    sources: {
      objects,
      tokens: new TokenSource(client, steady),
      facts: () => ({ podIps: [], hostIps: [ip], allocatable }),
    },
    ...(options.refreshMs === undefined ? {} : { refreshMs: options.refreshMs }),
    log,
  });
  const imageCleanup = new ImageCleanup({
    images,
    clock,
    file: path.join(folder, 'images.json'),
    inUse: async () => new Set((await runtime.listContainers()).map(({ imageId }) => imageId)),
    log,
  });
  const logFolder = path.join(folder, 'logs');
  const environment = new RealPods({
    clock,
    volumes,
    objects,
    puller: new ImagePuller({
      runtime,
      images: { find: async (image) => toLocalImage(await images.find(image)) },
      objects,
      events,
      clock,
      onPulled: (id) =>
        void imageCleanup
          .pulled(id)
          .catch((error: unknown) => log('warn', 'a pulled image was not noted', { image: id, error: String(error) })),
    }),
    cgroups,
    events,
    exec,
    services: replicas.of(services),
    hostIp: ip,
    nodeHostname: machineHostname(),
    allocatable,
    memoryCapacityBytes: quantityValue(description.capacity.memory ?? '0'),
    clusterDomain,
    clusterDns,
    logFolder,
  });
  const prober = new ContainerProber({ clock, exec, events, hostIp: ip });
  let network: Network | undefined;
  const inspect = async (): Promise<NodeInspection> => {
    const problem = await runtimeProblem(connection);
    const problems = pressure.problems();
    if (problem !== undefined) problems.Ready = { reason: 'KubeletNotReady', message: problem };
    return { problems, images: problem === undefined ? nodeImages(await images.list()) : [] };
  };
  const kubelet = new Kubelet({
    client,
    clock,
    steady,
    runtime,
    prober,
    environment,
    description,
    heartbeatMs: options.heartbeatMs,
    ...(options.follow === undefined ? {} : { follow: options.follow }),
    inspect,
    ...(options.staticPods === undefined ? {} : { staticPods: options.staticPods }),
    // The network follows the node object itself.
    onPodCidr: () => undefined,
    log,
  });
  const pressure = new PressureMonitor({
    clock: steady,
    read: () => readMachine(folder),
    memoryUse: () => stats.memoryByPod(),
    pods: () => kubelet.pods,
    reclaimStorage: () => imageCleanup.run({ all: true }),
    evict: (uid, rejection) => kubelet.evict(uid, rejection),
    onChange: () => kubelet.refreshStatus(),
    log,
  });
  const storageLimits = new StorageLimits({
    pods: () => kubelet.pods,
    written: () => stats.containers(),
    volumeFolder: (uid, volume) => volumes.emptyDirFolder(uid, volume),
    logFolder: ({ metadata: { uid: podUid = '', namespace = '', name: podName = '' } = {} }) =>
      podLogFolder(logFolder, { podUid, namespace, name: podName }),
    evict: (uid, rejection) => kubelet.evict(uid, rejection),
    log,
  });
  const housekeeping = new Housekeeping({
    clock,
    kubelet,
    runtime,
    connection,
    environment,
    imageCleanup,
    storageLimits,
    log,
  });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    isStopped = true;
    pressure.stop();
    prober.stop();
    await Promise.all([housekeeping.stop(), kubelet.stop()]);
    await volumes.stop();
    await server?.close();
    replicas.close();
  };
  return {
    name,
    kubelet,
    runtime,
    stats,
    async start() {
      network = await startNetwork({
        replicas,
        clock: steady,
        random,
        log,
        clusterName: options.cluster,
        nodeName: name,
        nodeIps: [ip],
        clusterCidrs: options.podCidrs,
        serviceCidrs: options.serviceCidrs,
        clusterDomain,
        clusterDnsIps: clusterDns,
        cniConfDir: options.runtime.cniConfDir,
        bridge: bridgeName(owner),
        firewall: 'nftables',
        nodeRoutes: true,
      });
      await volumes.start();
      replicas.of(services).start();
      await kubelet.start();
      pressure.start();
      housekeeping.start();
      for (;;) {
        const problem = await runtimeProblem(connection);
        if (problem === undefined || isStopped) break;
        await sleep(clock, READY_CHECK_MS);
      }
      await kubelet.reportStatus();
    },
    async stop() {
      await stop();
      await network?.close();
      connection.close();
    },
    async destroy() {
      await stop();
      const containers = await runtime.listContainers();
      await Promise.all(
        containers
          .filter(({ state }) => state === 'running')
          .map(({ id }) => runtime.stopContainer(id, DESTROY_GRACE_SECONDS)),
      );
      for (const sandbox of await runtime.listSandboxes()) await runtime.removeSandbox(sandbox.id);
      await volumes.destroy();
      await cgroups.removeAll();
      await network?.remove();
      await rm(logFolder, { recursive: true, force: true });
      connection.close();
    },
  };
}

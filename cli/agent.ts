import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { pino, type Logger } from 'pino';
import { simulatedNode, SIMULATED_ADDRESSES } from '../agent/simulated-node.js';
import { boundedTransport } from '../lib/client/bounded-transport.js';
import { Client } from '../lib/client/client.js';
import { httpsTransport, type HttpsTransportOptions } from '../lib/client/https-transport.js';
import type { Follow } from '../lib/client/replica.js';
import { steadyClock, systemClock } from '../lib/clock/system.js';
import { giveBackMemory } from '../lib/give-back-memory.js';
import { systemRandom } from '../lib/random.js';
import type { StaticPodOptions } from '../agent/kubelet/static-pods.js';
import { heartbeatMs, type AgentOptions } from './agent-options.js';
import { demandRuntime } from './choose-runtime.js';
import { clusterId, CLUSTER_DOMAIN } from './cluster-id.js';
import { UserError } from './errors.js';
import { asUserError } from './network-error.js';
import { Progress } from './progress.js';
import { readKubeconfig } from './read-kubeconfig.js';
import { ownAddress } from './serving-addresses.js';

/** `zeroplane agent`: resolves once the agent has stopped, after SIGINT or SIGTERM. Its pods run on, unless they are simulated. */
export async function agent(options: AgentOptions): Promise<void> {
  const progress = new Progress(process.stderr);
  const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
  const server = readKubeconfig(options.kubeconfig);
  const doorbell = await doorbellOf(options);
  const transport = httpsTransport(server);
  const client = new Client(boundedTransport(transport, systemClock), 'kubelet');
  const staticPods = await staticPodsOf(options);
  const parts = { options, client, server, log, follow: doorbell?.rings, staticPods };
  const node = options.runtime === 'simulated' ? simulated(parts) : await real(parts);
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  progress.say(`registering node ${options.nodeName} with ${server.server}`);
  doorbell?.listen();
  const keepMemory = giveBackMemory(systemClock);
  try {
    const started = node.start().catch((error: unknown) => {
      throw asUserError(error);
    });
    const ready = started.then(() => {
      progress.done();
      process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
    });
    await Promise.race([stopped, ready.then(() => stopped)]);
    await node.stop();
  } finally {
    keepMemory();
    await doorbell?.close();
    transport.close();
  }
}

interface Parts {
  options: AgentOptions;
  client: Client;
  server: HttpsTransportOptions;
  log: Logger;
  /** Undefined: by watches. */
  follow: Follow | undefined;
  staticPods: StaticPodOptions | undefined;
}

interface RunningNode {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** On AWS a node holds no watch open; elsewhere nobody rings. */
async function doorbellOf({ clusterName, region, nodeName }: AgentOptions) {
  if (clusterName === undefined) return undefined;
  const { openCloudDoorbell } = await import('./cloud-doorbell.js');
  return openCloudDoorbell({ clusterName, region, node: nodeName, clock: systemClock });
}

/** What reads and checks manifests is loaded only where there may be some. */
async function staticPodsOf({ podManifestPath }: AgentOptions): Promise<StaticPodOptions | undefined> {
  if (podManifestPath === undefined) return undefined;
  const [{ manifestFolder }, { readStaticPod }] = await Promise.all([
    import('../agent/kubelet/manifest-folder.js'),
    import('../functions/apiserver/static-pod-reader.js'),
  ]);
  return { source: manifestFolder(path.resolve(podManifestPath)), read: readStaticPod };
}

function simulated({ options, client, log, follow, staticPods }: Parts): RunningNode {
  const { nodeName } = options;
  const { kubelet, runtime } = simulatedNode({
    client,
    clock: systemClock,
    steady: steadyClock,
    random: systemRandom(),
    name: nodeName,
    // Agents do not know of each other: addresses come from names.
    index: createHash('sha256').update(nodeName).digest().readUInt32BE(0) % SIMULATED_ADDRESSES,
    heartbeatMs: heartbeatMs(options),
    ...(follow === undefined ? {} : { follow }),
    ...(staticPods === undefined ? {} : { staticPods }),
    log: (level, message, data) => log[level](data, message),
  });
  return {
    start: () => kubelet.start(),
    async stop() {
      await kubelet.stop();
      runtime.powerOff();
    },
  };
}

async function real({ options, client, server, log, follow, staticPods }: Parts): Promise<RunningNode> {
  const { runtime, socket } = await demandRuntime(options.criSocket, systemClock);
  process.stderr.write(`runtime: ${runtime.version} at ${socket}\n`);
  const folder = path.resolve(options.data);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new UserError(
      `the data folder ${folder} cannot be used (${(error as Error).message}). Choose another with --data`,
    );
  }
  // Loaded here: simulated nodes do without gRPC and all that belongs to containers.
  const { realNode } = await import('../agent/real-node.js');
  return realNode({
    client,
    clock: systemClock,
    steady: steadyClock,
    random: systemRandom(),
    name: options.nodeName,
    ip: options.nodeIp ?? ownAddress(),
    runtime,
    folder,
    cluster: clusterId(server.ca ?? server.server),
    clusterDomain: CLUSTER_DOMAIN,
    clusterDns: [options.clusterDns],
    podCidrs: options.podCidr.split(','),
    serviceCidrs: options.serviceCidr.split(','),
    heartbeatMs: heartbeatMs(options),
    ...(follow === undefined ? {} : { follow }),
    ...(staticPods === undefined ? {} : { staticPods }),
    kubeletPort: options.kubeletPort,
    ...servingOf(server, (message) => process.stderr.write(`${message}\n`)),
    capacity: options.nodeCapacity,
    log: (level, message, data) => log[level](data, message),
  });
}

/** TLS servers (RFC 5280, id-kp-serverAuth). */
const SERVER_USAGE = '1.3.6.1.5.5.7.3.1';

/** The credential of the node serves too, where the cluster made it so: then the API server can read logs and run commands here. */
function servingOf(
  { ca, certificate }: HttpsTransportOptions,
  say: (message: string) => void,
): { serving: { cert: string; key: string; clientCa: string } } | undefined {
  if (
    ca !== undefined &&
    certificate !== undefined &&
    new X509Certificate(certificate.cert).keyUsage.includes(SERVER_USAGE)
  ) {
    return { serving: { ...certificate, clientCa: ca } };
  }
  say(
    'no logs, exec and metrics from this node: its kubeconfig has no certificate for a server. zeroplane kubeconfig --node makes one',
  );
  return undefined;
}

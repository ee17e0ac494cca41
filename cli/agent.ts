import { mkdirSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { pino } from 'pino';
import { realNode } from '../agent/real-node.js';
import { boundedTransport } from '../lib/client/bounded-transport.js';
import { Client } from '../lib/client/client.js';
import { httpsTransport, type HttpsTransportOptions } from '../lib/client/https-transport.js';
import { systemClock } from '../lib/clock/system.js';
import { systemRandom } from '../lib/random.js';
import type { AgentOptions } from './agent-options.js';
import { demandRuntime } from './choose-runtime.js';
import { clusterId, CLUSTER_DOMAIN } from './cluster-id.js';
import { UserError } from './errors.js';
import { asUserError } from './network-error.js';
import { Progress } from './progress.js';
import { readKubeconfig } from './read-kubeconfig.js';
import { ownAddress } from './serving-addresses.js';

const HEARTBEAT_MS = 10_000;

/** `zeroplane agent`: resolves once the agent has stopped, after SIGINT or SIGTERM. Its pods run on. */
export async function agent(options: AgentOptions): Promise<void> {
  const progress = new Progress(process.stderr);
  const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
  const server = readKubeconfig(options.kubeconfig);
  const { runtime, socket } = await demandRuntime(options.criSocket, systemClock);
  process.stderr.write(`runtime: ${runtime.version} at ${socket}\n`);
  const transport = httpsTransport(server);
  const folder = path.resolve(options.data);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new UserError(
      `the data folder ${folder} cannot be used (${(error as Error).message}). Choose another with --data`,
    );
  }
  const node = await realNode({
    client: new Client(boundedTransport(transport, systemClock), 'kubelet'),
    clock: systemClock,
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
    heartbeatMs: HEARTBEAT_MS,
    kubeletPort: options.kubeletPort,
    ...servingOf(server, (message) => process.stderr.write(`${message}\n`)),
    capacity: options.nodeCapacity,
    log: (level, message, data) => log[level](data, message),
  });
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  progress.say(`registering node ${options.nodeName} with ${server.server}`);
  const started = node.start().catch((error: unknown) => {
    throw asUserError(error);
  });
  const ready = started.then(() => {
    progress.done();
    process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
  });
  await Promise.race([stopped, ready.then(() => stopped)]);
  await node.stop();
  transport.close();
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

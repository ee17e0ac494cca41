import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { generateSigningKey } from '../functions/apiserver/auth/signing-keys.js';
import type { Log } from '../functions/apiserver/registry/context.js';
import type { ApiRequest, ApiResponse } from '../functions/apiserver/registry/request.js';
import { IpRange } from '../functions/apiserver/allocation/index.js';
import type { OpenRuntime } from '../agent/runtime/cri/open.js';
import type { UserInfo } from '../lib/api/meta.js';
import { Client } from '../lib/client/client.js';
import type { Transport } from '../lib/client/transport.js';
import { steadyClock, systemClock } from '../lib/clock/system.js';
import { systemRandom, type Random } from '../lib/random.js';
import type { BackupSource } from '../lib/store/backup/ports.js';
import type { MemoryStore } from '../lib/store/memory/memory-store.js';
import type { ChangeFeed, Store } from '../lib/store/store.js';
import { Attendance } from './attendance.js';
import { chooseRuntime } from './choose-runtime.js';
import { clusterId, CLUSTER_DOMAIN } from './cluster-id.js';
import { ClusterPki } from './cluster-pki.js';
import { BACKUP_PATH } from './backup-options.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { dataFolder, writeInstance } from './data-folder.js';
import { systemCode, UserError } from './errors.js';
import { HttpsHost } from './https-host.js';
import { kubeconfig } from './kubeconfig.js';
import { Progress } from './progress.js';
import { FolderSecretFiles, MemorySecretFiles, writeSecret, type SecretFiles } from './secret-files.js';
import { hostAndPort, LOOPBACK, ownAddress, reachableAddress, servingAddresses } from './serving-addresses.js';
import { DirectNodeConnection } from './direct-node-connection.js';
import { NodeConnections } from './node-connections.js';
import { RealNodes } from './real-nodes.js';
import { SimulatedNodes } from './simulated-nodes.js';
import type { UpOptions } from './up-options.js';

const DEFAULT_DATA = '.zeroplane/data';
const NODES_DEFAULT = 1;

/** Locally a lost node is seen after seconds, and its pods leave it then: Kubernetes' defaults are for networks that fail. */
const HEARTBEAT_MS = 10_000;
const TOLERATION_SECONDS = 10;

/** Where the node's own server listens. */
const KUBELET_PORT = 10_250;

const ALONE =
  'no node can join: the cluster is served on 127.0.0.1 alone. Start it with --bind ADDRESS, an address of this machine that others reach';

/** `zeroplane up`: resolves once the cluster has stopped, after SIGINT or SIGTERM. */
export async function up(options: UpOptions): Promise<void> {
  const choice = await chooseRuntime(options, systemClock);
  const isReal = choice.kind === 'cri';
  if (isReal) process.stderr.write(`runtime: ${choice.runtime.version} at ${choice.socket}\n`);
  else process.stderr.write(`runtime: simulated (${choice.why})\n`);
  const progress = new Progress(process.stderr);
  const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' }, pino.destination({ dest: 2, sync: true })) as Log;
  const random = systemRandom();
  const stop: (() => unknown)[] = [];
  let isStopping = false;
  const stopped = new Promise<void>((resolve) => {
    const begin = (): void => {
      isStopping = true;
      resolve();
    };
    process.once('SIGINT', begin);
    process.once('SIGTERM', begin);
  });
  try {
    progress.say('opening the store');
    const { store, files, instanceFile } = await openStorage(options);
    stop.push(() => store.close());
    const pki = await ClusterPki.open(files, { clock: systemClock, random });
    const running: { controlPlane?: ControlPlane } = {};
    const nodes = isReal
      ? realNodes(choice.runtime, { options, random, log, pki, controlPlane: () => running.controlPlane })
      : simulatedNodes(options, random, log, () => running.controlPlane);
    progress.say('starting the control plane');
    // Pods reach the API by the node's own address.
    const bind = isReal ? [...options.bind, ownAddress()] : options.bind;
    const others = reachableAddress(bind, options.advertiseAddress);
    const hosts = await listen({ ...options, bind }, pki, {
      controlPlane: () => running.controlPlane,
      ...(options.memory
        ? {
            backup: async (request: ApiRequest) => {
              const { serveBackup } = await import('./served-backup.js');
              return serveBackup(request, { source: store, files });
            },
          }
        : {}),
    });
    stop.push(() => Promise.all(hosts.list.map((host) => host.close())));
    const attendance = new Attendance(systemClock);
    stop.push(() => attendance.close());
    running.controlPlane = await startControlPlane({
      store,
      clock: systemClock,
      random,
      serviceCidr: options.serviceCidr,
      podCidr: options.podCidr,
      endpoint: { addresses: [others ?? ownAddress()], port: hosts.port },
      caCertificate: pki.authority.certificate,
      signingKeys: [signingKey(files)],
      defaultTolerationSeconds: TOLERATION_SECONDS,
      nodeConnection: new NodeConnections(
        await directConnection(pki, () => running.controlPlane),
        nodes instanceof SimulatedNodes ? nodes : undefined,
      ),
      frontProxy: await pki.frontProxy(),
      listeningSinceMs: () => attendance.sinceMs(),
      log,
    });
    stop.push(() => running.controlPlane?.close());
    const server = `https://${LOOPBACK}:${hosts.port}`;
    stop.push(await writeKubeconfig(options, pki, server));
    if (instanceFile !== undefined) {
      const nodeServer = others === undefined ? {} : { nodeServer: `https://${hostAndPort(others, hosts.port)}` };
      writeInstance(instanceFile, { server, ...nodeServer });
    }
    const count = options.nodes ?? NODES_DEFAULT;
    progress.say(isReal ? 'starting the node' : `starting ${count} simulated ${count === 1 ? 'node' : 'nodes'}`);
    stop.push(() => nodes.stop());
    const ready = nodes
      .start((started) => progress.say(`${started} of ${count} nodes ready`))
      .then(() => {
        if (isStopping) return;
        progress.done();
        process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
        process.stderr.write(`kubectl --kubeconfig ${options.kubeconfig} get nodes\n`);
        if (count === 0 && others === undefined) process.stderr.write(`${ALONE}\n`);
      });
    await Promise.race([stopped, ready.then(() => stopped)]);
    progress.say('stopping');
  } finally {
    for (const end of stop.reverse()) {
      try {
        await end();
      } catch (error) {
        // What comes after it, the store above all, is to be closed all the same.
        process.exitCode = 1;
        log.error({ error: String(error) }, 'a part of the cluster did not stop in order');
      }
    }
    progress.done();
  }
}

async function openStorage(
  options: UpOptions,
): Promise<{ store: Store & ChangeFeed & BackupSource; files: SecretFiles; instanceFile: string | undefined }> {
  if (options.memory) {
    const { MemoryStore } = await import('../lib/store/memory/memory-store.js');
    const store = new MemoryStore({ clock: systemClock });
    const files = new MemorySecretFiles();
    if (options.restore !== undefined) await restoreInMemory(options.restore, store, files);
    return { store, files, instanceFile: undefined };
  }
  const folder = dataFolder(options.data ?? DEFAULT_DATA);
  const [{ openEmbeddedStore }, { DataFolderError }] = await Promise.all([
    import('../lib/store/embedded/embedded-store.js'),
    import('../lib/store/embedded/errors.js'),
  ]);
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    const store = await openEmbeddedStore({ directory: folder.store, clock: systemClock });
    return { store, files: new FolderSecretFiles(folder.pki), instanceFile: folder.instance };
  } catch (error) {
    if (error instanceof DataFolderError) throw new UserError(error.message, { cause: error });
    const code = systemCode(error);
    if (code.startsWith('E')) {
      const why = (error as Error).message;
      throw new UserError(`the data folder ${folder.root} cannot be used (${why}). Choose another with --data`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function restoreInMemory(file: string, store: MemoryStore, files: SecretFiles): Promise<void> {
  const [{ openBackup }, { restoreBackup }] = await Promise.all([
    import('./restore.js'),
    import('../lib/store/backup/index.js'),
  ]);
  const backup = await openBackup(file);
  try {
    const onSecret = (name: string, text: string): void => files.write(name, text);
    await restoreBackup({ file: backup, restorer: store.restorer(), nowMs: systemClock.now(), onSecret });
  } finally {
    await backup.close();
  }
}

async function directConnection(
  pki: ClusterPki,
  controlPlane: () => ControlPlane | undefined,
): Promise<DirectNodeConnection> {
  const { certificate: cert, privateKey: key } = await pki.kubeletClient();
  let client: Client | undefined;
  return new DirectNodeConnection({
    client: () => {
      const running = controlPlane();
      if (running === undefined) return undefined;
      const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
      return (client ??= new Client(running.transport(user), 'kube-apiserver'));
    },
    tls: { ca: pki.authority.certificate, cert, key },
  });
}

function realNodes(
  runtime: OpenRuntime,
  context: {
    options: UpOptions;
    random: Random;
    log: Log;
    pki: ClusterPki;
    controlPlane: () => ControlPlane | undefined;
  },
): RealNodes {
  const { options, random, log, pki, controlPlane } = context;
  return new RealNodes({
    clock: systemClock,
    steady: steadyClock,
    random,
    runtime,
    ip: ownAddress(),
    folder: options.memory ? undefined : path.join(dataFolder(options.data ?? DEFAULT_DATA).root, 'node'),
    cluster: clusterId(pki.authority.certificate),
    clusterDomain: CLUSTER_DOMAIN,
    clusterDns: [options.clusterDns],
    podCidrs: options.podCidr.split(','),
    serviceCidrs: options.serviceCidr.split(','),
    heartbeatMs: HEARTBEAT_MS,
    kubeletPort: KUBELET_PORT,
    pki,
    transport: transportOf(controlPlane),
    log: (level, message, data) => log[level](data, message),
  });
}

function transportOf(controlPlane: () => ControlPlane | undefined): (user: UserInfo) => Transport {
  return (user) => {
    const running = controlPlane();
    if (running === undefined) throw new Error('nodes start after the control plane');
    return running.transport(user);
  };
}

function simulatedNodes(
  options: UpOptions,
  random: Random,
  log: Log,
  controlPlane: () => ControlPlane | undefined,
): SimulatedNodes {
  return new SimulatedNodes({
    count: options.nodes ?? NODES_DEFAULT,
    clock: systemClock,
    random,
    heartbeatMs: HEARTBEAT_MS,
    transport: transportOf(controlPlane),
    log: (level, message, data) => log[level](data, message),
  });
}

async function listen(
  options: UpOptions,
  pki: ClusterPki,
  {
    controlPlane,
    backup,
  }: { controlPlane: () => ControlPlane | undefined; backup?: (request: ApiRequest) => Promise<ApiResponse> },
): Promise<{ list: HttpsHost[]; port: number }> {
  const addresses = servingAddresses(options.bind);
  const advertised = options.advertiseAddress === undefined ? [] : [options.advertiseAddress];
  const certificate = await pki.server({
    dnsNames: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
    ipAddresses: [...new Set([...addresses.flatMap(reachable), ...advertised, new IpRange(options.serviceCidr).at(1)])],
  });
  const list: HttpsHost[] = [];
  let { port } = options;
  for (const address of addresses) {
    const host = new HttpsHost({
      tls: {
        cert: certificate.certificate,
        key: certificate.privateKey,
        clientCa: pki.authority.certificate,
      },
      handle: async (request) => {
        if (backup !== undefined && request.path === BACKUP_PATH) return backup(request);
        return (await controlPlane()?.api.handle(request)) ?? NOT_READY;
      },
      upgrade: (request, socket, head, peer) => {
        const api = controlPlane()?.api;
        if (api === undefined) socket.destroy();
        else api.upgrade(request, socket, head, peer);
      },
    });
    try {
      port = await host.listen(port, address);
    } catch (error) {
      await Promise.all(list.map((one) => one.close()));
      throw listenError(error, address, port);
    }
    list.push(host);
  }
  return { list, port };
}

const NOT_READY = {
  status: 503,
  headers: { 'content-type': 'text/plain', 'retry-after': '1' },
  body: Buffer.from('the control plane is starting, try again in a second\n'),
};

function listenError(error: unknown, address: string, port: number): unknown {
  const where = hostAndPort(address, port);
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new UserError(`${where} is taken by another program. Stop it, or choose another port with --port`);
    case 'EADDRNOTAVAIL':
      return new UserError(`${address} is no address of this machine. Check --bind`);
    case 'EACCES':
      return new UserError(`this user may not serve on ${where}. Choose a port above 1023 with --port`);
    default:
      return error;
  }
}

/** The addresses that a bound address stands for: all of the machine's for 0.0.0.0 and ::. */
function reachable(address: string): string[] {
  if (address !== '0.0.0.0' && address !== '::') return [address.split('%')[0] ?? ''];
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((one) => one.address.split('%')[0] ?? ''),
  );
}

function signingKey(files: SecretFiles): string {
  const present = files.read('service-account.key');
  if (present !== undefined) return present;
  const made = generateSigningKey();
  files.write('service-account.key', made);
  return made;
}

/** Returns what puts back what was there before, for a cluster that leaves nothing behind. */
async function writeKubeconfig(options: UpOptions, pki: ClusterPki, server: string): Promise<() => void> {
  const file = path.resolve(options.kubeconfig);
  const folder = path.dirname(file);
  const text = kubeconfig({
    server,
    ca: pki.authority.certificate,
    user: 'zeroplane-admin',
    credential: await pki.admin(),
  });
  let before: string | undefined;
  let newFolder: string | undefined;
  try {
    newFolder = mkdirSync(folder, { recursive: true, mode: 0o700 });
    before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    writeSecret(file, text);
  } catch (error) {
    const why = (error as Error).message;
    throw new UserError(`the kubeconfig ${file} cannot be written (${why}). Choose another with --kubeconfig`);
  }
  return () => {
    if (!options.memory) return;
    if (before !== undefined) return writeSecret(file, before);
    rmSync(file, { force: true });
    if (newFolder === undefined) return;
    try {
      for (let made = folder; made.length >= newFolder.length; made = path.dirname(made)) rmdirSync(made);
    } catch {
      // Somebody else has put something into it meanwhile.
    }
  };
}

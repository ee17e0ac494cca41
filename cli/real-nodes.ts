import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import type { RealNode } from '../agent/real-node.js';
import { nodeUsername } from '../functions/apiserver/auth/users.js';
import type { UserInfo } from '../lib/api/meta.js';
import { Client } from '../lib/client/client.js';
import type { Transport } from '../lib/client/transport.js';
import type { Clock } from '../lib/clock/clock.js';
import type { Random } from '../lib/random.js';
import type { OpenRuntime } from '../agent/runtime/cri/open.js';
import type { ClusterPki } from './cluster-pki.js';
import { asUserError } from './network-error.js';

export interface RealNodesOptions {
  clock: Clock;
  steady: Clock;
  random: Random;
  runtime: OpenRuntime;
  ip: string;
  /** Where pods' things are kept; undefined: nowhere for long. */
  folder: string | undefined;
  /** See `clusterId`. */
  cluster: string;
  clusterDomain: string;
  clusterDns: readonly string[];
  podCidrs: readonly string[];
  serviceCidrs: readonly string[];
  heartbeatMs: number;
  /** Where the node's server listens, if that is free. */
  kubeletPort: number;
  pki: ClusterPki;
  transport(user: UserInfo): Transport;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** Here reading an object costs next to nothing. */
const REFRESH_MS = 5_000;

/** A machine's name as a node's: lower case, and only what a DNS name may have. */
export function machineNodeName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return name === '' ? 'node-1' : name.slice(0, 63);
}

/** The node that this machine is in the cluster of this process. Its containers end with the process. */
export class RealNodes {
  readonly #options: RealNodesOptions;
  #node: RealNode | undefined;
  #temporary: string | undefined;

  constructor(options: RealNodesOptions) {
    this.#options = options;
  }

  /** Resolves once the node is Ready. */
  async start(onReady: (ready: number) => void = () => undefined): Promise<void> {
    const { transport, folder, pki, ip, ...rest } = this.#options;
    const name = machineNodeName();
    const kubeletPort = (await isFree(rest.kubeletPort, ip)) ? rest.kubeletPort : 0;
    const serving = await pki.nodeServer(name, [ip]);
    const user = { username: nodeUsername(name), groups: ['system:nodes', 'system:authenticated'] };
    // Loaded here: simulated nodes do without gRPC and all that belongs to containers.
    const { realNode } = await import('../agent/real-node.js');
    if (folder === undefined) this.#temporary = mkdtempSync(path.join(tmpdir(), 'zeroplane-node-'));
    this.#node = await realNode({
      ...rest,
      ip,
      kubeletPort,
      serving: { cert: serving.certificate, key: serving.privateKey, clientCa: pki.authority.certificate },
      refreshMs: REFRESH_MS,
      client: new Client(transport(user), 'kubelet'),
      name,
      folder: folder ?? this.#temporary ?? '',
      capacity: {},
    });
    try {
      await this.#node.start();
    } catch (error) {
      throw asUserError(error);
    }
    onReady(1);
  }

  async stop(): Promise<void> {
    await this.#node?.destroy();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  }
}

function isFree(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, address, () => probe.close(() => resolve(true)));
  });
}

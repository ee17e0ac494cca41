import { mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, vi } from 'vitest';
import { skipBecause } from './skip-because.js';
import { parse } from 'yaml';
import { Client } from '../../lib/client/client.js';
import { httpsTransport } from '../../lib/client/https-transport.js';
import type { Transport } from '../../lib/client/transport.js';
import { ensureBuilt } from './built.js';
import { ClusterProcess, type ClusterOptions } from './cluster-process.js';
import { findKubectl, Kubectl } from './kubectl.js';

const NO_KUBECTL = 'there is no kubectl for this machine: install kubectl 1.35 or newer and put it on PATH';

/** A test waits for other processes, on machines that may be busy. */
const TEST_TIMEOUT_MS = 90_000;

/** A namespace of a test's own and the ways to look at it. */
export interface Scene {
  namespace: string;
  /** Stock kubectl, in the namespace. */
  kubectl: Kubectl;
  /** The administrator, over HTTPS. */
  client: Client;
}

/** The cluster of a test file. */
export class E2eCluster {
  #process: ClusterProcess | undefined;
  #kubectl: Kubectl | undefined;
  #transport: (Transport & { close(): void }) | undefined;
  #scenes = 0;

  /** False when there is no kubectl, and the tests are skipped. */
  get isStarted(): boolean {
    return this.#process !== undefined;
  }

  get process(): ClusterProcess {
    if (this.#process === undefined) throw new Error('the cluster is used before it has started');
    return this.#process;
  }

  /** `https://127.0.0.1:PORT` */
  get server(): string {
    return readKubeconfig(this.process.kubeconfig).server;
  }

  /** Stock kubectl, in the namespace `default`. */
  get kubectl(): Kubectl {
    if (this.#kubectl === undefined) throw new Error('kubectl is used before the cluster has started');
    return this.#kubectl;
  }

  get transport(): Transport {
    if (this.#transport === undefined) throw new Error('the API is used before the cluster has started');
    return this.#transport;
  }

  get client(): Client {
    return new Client(this.transport, 'e2e');
  }

  /** A folder for a test's files. It goes with the cluster. */
  folder(): string {
    return mkdtempSync(path.join(this.process.folder, 'files-'));
  }

  /** Makes a namespace, so that tests of one file may run at the same time. */
  async scene(prefix = 'e2e'): Promise<Scene> {
    const namespace = `${prefix}-${++this.#scenes}`;
    await this.kubectl.ok(['create', 'namespace', namespace]);
    return { namespace, kubectl: this.kubectl.with('--namespace', namespace), client: this.client };
  }

  async start(kubectl: string, options: ClusterOptions): Promise<void> {
    await ensureBuilt();
    this.#process = await ClusterProcess.start(options);
    const { folder, kubeconfig } = this.#process;
    this.#kubectl = new Kubectl(kubectl, { kubeconfig, home: path.join(folder, 'home') });
    this.#transport = adminTransport(kubeconfig);
  }

  async destroy(): Promise<void> {
    this.#transport?.close();
    await this.#process?.destroy();
  }
}

/** One cluster for all tests of the calling file, in a process of its own. Without kubectl the tests are skipped, with the reason. */
export function useCluster(options: { nodes?: number } & ClusterOptions = {}): E2eCluster {
  const cluster = new E2eCluster();
  let kubectl: string | undefined;
  beforeAll(async () => {
    kubectl = await findKubectl();
    const flags = ['--nodes', String(options.nodes ?? 2), ...(options.flags ?? [])];
    if (kubectl !== undefined) await cluster.start(kubectl, { memory: true, ...options, flags });
  });
  skipWithoutKubectl(() => kubectl);
  afterAll(() => cluster.destroy());
  return cluster;
}

/** For files that start their own clusters. */
export function skipWithoutKubectl(kubectl: () => string | undefined): void {
  vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });
  skipBecause(() => (kubectl() === undefined ? NO_KUBECTL : undefined));
}

/** The administrator of a kubeconfig, over HTTPS. */
export function adminTransport(kubeconfig: string): Transport & { close(): void } {
  const config = readKubeconfig(kubeconfig);
  return httpsTransport({
    server: config.server,
    ca: config.ca,
    certificate: { cert: config.certificate, key: config.privateKey },
  });
}

export interface KubeconfigContents {
  server: string;
  ca: string;
  certificate: string;
  privateKey: string;
}

/** What stands in a kubeconfig of ours, decoded. */
export function readKubeconfig(file: string): KubeconfigContents {
  const config = parse(readFileSync(file, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
  };
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  return {
    server: cluster.server,
    ca: decode(cluster['certificate-authority-data']),
    certificate: decode(user['client-certificate-data']),
    privateKey: decode(user['client-key-data']),
  };
}

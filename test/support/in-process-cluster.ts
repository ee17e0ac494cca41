import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { simulatedNode, type SimulatedNode } from '../../agent/simulated-node.js';
import { ClusterPki } from '../../cli/cluster-pki.js';
import { startControlPlane, type ControlPlane } from '../../cli/control-plane.js';
import { HttpsHost } from '../../cli/https-host.js';
import { kubeconfig } from '../../cli/kubeconfig.js';
import { MemorySecretFiles } from '../../cli/secret-files.js';
import { SimulatedNodes } from '../../cli/simulated-nodes.js';
import { generateSigningKey } from '../../functions/apiserver/auth/signing-keys.js';
import { nodeUsername } from '../../functions/apiserver/auth/users.js';
import type { UserInfo } from '../../lib/api/meta.js';
import { Client } from '../../lib/client/client.js';
import type { Transport } from '../../lib/client/transport.js';
import { systemClock } from '../../lib/clock/system.js';
import { systemRandom } from '../../lib/random.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import { Kubectl } from './kubectl.js';

const LOOPBACK = '127.0.0.1';
const HEARTBEAT_MS = 10_000;
/** As `zeroplane up` has it. */
const TOLERATION_SECONDS = 10;

/**
 * What `zeroplane up` composes, on real time and over HTTPS, but in this process: so that a test can do to a node what no flag does.
 */
export class InProcessCluster {
  readonly kubectl: Kubectl;
  readonly nodes: SimulatedNodes;
  /** Warnings and errors of the control plane. */
  readonly complaints: string[];
  readonly #controlPlane: ControlPlane;
  readonly #host: HttpsHost;
  readonly #folder: string;
  readonly #restarted: SimulatedNode[] = [];

  private constructor(parts: {
    kubectl: Kubectl;
    nodes: SimulatedNodes;
    complaints: string[];
    controlPlane: ControlPlane;
    host: HttpsHost;
    folder: string;
  }) {
    this.kubectl = parts.kubectl;
    this.nodes = parts.nodes;
    this.complaints = parts.complaints;
    this.#controlPlane = parts.controlPlane;
    this.#host = parts.host;
    this.#folder = parts.folder;
  }

  static async start(options: { kubectl: string; nodes: number }): Promise<InProcessCluster> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-in-process-'));
    const random = systemRandom();
    const pki = await ClusterPki.open(new MemorySecretFiles(), { clock: systemClock, random });
    const { certificate, privateKey } = await pki.server({ dnsNames: ['localhost'], ipAddresses: [LOOPBACK] });
    const complaints: string[] = [];
    const complain = (data: object, message: string): void => {
      complaints.push(`${message}: ${JSON.stringify(data)}`);
    };
    const started: { controlPlane?: ControlPlane } = {};
    const running = (): ControlPlane => {
      if (started.controlPlane === undefined) throw new Error('the control plane has not started');
      return started.controlPlane;
    };
    const nodes = new SimulatedNodes({
      count: options.nodes,
      clock: systemClock,
      random,
      heartbeatMs: HEARTBEAT_MS,
      transport: (user) => running().transport(user),
      log: (_level, message, data) => complain(data, message),
    });
    const host = new HttpsHost({
      tls: { cert: certificate, key: privateKey, clientCa: pki.authority.certificate },
      handle: (request) => running().api.handle(request),
      upgrade: (request, socket, head, peer) => running().api.upgrade(request, socket, head, peer),
    });
    const port = await host.listen(0, LOOPBACK);
    const controlPlane = await startControlPlane({
      store: new MemoryStore({ clock: systemClock }),
      clock: systemClock,
      random,
      serviceCidr: '10.96.0.0/16',
      podCidr: '10.244.0.0/16',
      endpoint: { addresses: ['192.0.2.1'], port },
      caCertificate: pki.authority.certificate,
      signingKeys: [generateSigningKey()],
      defaultTolerationSeconds: TOLERATION_SECONDS,
      nodeConnection: nodes,
      log: { info: () => undefined, warn: complain, error: complain },
    });
    started.controlPlane = controlPlane;
    await nodes.start();
    const file = path.join(folder, 'kubeconfig');
    const server = `https://${LOOPBACK}:${port}`;
    const credential = await pki.admin();
    writeFileSync(file, kubeconfig({ server, ca: pki.authority.certificate, user: 'admin', credential }));
    const kubectl = new Kubectl(options.kubectl, { kubeconfig: file, home: path.join(folder, 'home') });
    return new InProcessCluster({ kubectl, nodes, complaints, controlPlane, host, folder });
  }

  /** The node's agent falls silent, as when its machine loses the network; what it runs keeps running. */
  async silence(name: string): Promise<void> {
    await this.#node(name).kubelet.stop();
  }

  /** A new agent takes over the machine of a silent one. */
  async restart(name: string): Promise<void> {
    const old = this.#node(name);
    const user: UserInfo = { username: nodeUsername(name), groups: ['system:nodes', 'system:authenticated'] };
    const transport: Transport = this.#controlPlane.transport(user);
    const made = simulatedNode({
      client: new Client(transport, 'kubelet'),
      clock: systemClock,
      random: systemRandom(),
      name,
      index: [...this.nodes.nodes.keys()].indexOf(name),
      heartbeatMs: HEARTBEAT_MS,
      runtime: old.runtime,
      log: (_level, message, data) => this.complaints.push(`${message}: ${JSON.stringify(data)}`),
    });
    this.#restarted.push(made);
    await made.kubelet.start();
  }

  async stop(): Promise<void> {
    await this.nodes.stop();
    await Promise.all(this.#restarted.map((node) => node.kubelet.stop()));
    await this.#controlPlane.close();
    await this.#host.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(name: string): SimulatedNode {
    const node = this.nodes.nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }
}

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AgentProcess } from './agent-process.js';
import { Containerd, unmountBelow } from './containerd.js';
import type { ImageOptions } from './container-image.js';
import { Namespace } from './netns.js';

const BRIDGE = 'br0';

const NETWORKS_MAX = 256;

/** Where the CNI plugin host-local keeps the addresses that it has given out. */
export const LEASES = '/var/lib/cni/networks';

/** A network of machines, and this one on it. Its switch is in a namespace of its own, where nobody's packet filter is in the way. */
export class Lan {
  /** Of this machine. */
  readonly address: string;
  readonly #subnet: string;
  readonly #switch = new Namespace('lan');
  #machines = 0;

  constructor() {
    this.#switch.ip(`link add ${BRIDGE} type bridge`, `link set ${BRIDGE} up`);
    const number = this.#plugIn();
    this.#subnet = `198.18.${number}`;
    this.address = `${this.#subnet}.1`;
    const { status, stderr } = ip('address', 'add', `${this.address}/24`, 'dev', deviceName(number));
    if (status !== 0) throw new Error(`this machine got no address: ${stderr}`);
    ip('link', 'set', deviceName(number), 'up');
  }

  /** Connects this machine by a device whose number nobody has: other test files, and other runs of this one, have networks as well. */
  #plugIn(): number {
    for (let number = 0; number < NETWORKS_MAX; number++) {
      if (ip('link', 'show', 'dev', deviceName(number)).status === 0) continue;
      const peer = `name ${deviceName(number)} netns ${process.pid}`;
      try {
        this.#switch.ip(`link add here type veth peer ${peer}`, `link set here master ${BRIDGE} up`);
        return number;
      } catch (error) {
        // Somebody was faster.
        if (!String(error).includes('File exists')) throw error;
      }
    }
    throw new Error(`there are ${NETWORKS_MAX} networks of tests on this machine`);
  }

  /** Connects a namespace by its device `eth0`. Returns its address. */
  connect(namespace: Namespace): string {
    const number = 11 + this.#machines++;
    const address = `${this.#subnet}.${number}`;
    const port = `port${number}`;
    this.#switch.ip(
      `link add ${port} type veth peer name eth0 netns ${namespace.name}`,
      `link set ${port} master ${BRIDGE} up`,
    );
    namespace.ip(`address add ${address}/24 dev eth0`, 'link set eth0 up', `route add default via ${this.address}`);
    return address;
  }

  destroy(): void {
    this.#switch.destroy();
  }
}

function deviceName(number: number): string {
  return `zplan${number}`;
}

function ip(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync('ip', args, { encoding: 'utf8' });
}

export interface MachineOptions {
  lan: Lan;
  /** Of its node. */
  name: string;
  images?: ImageOptions[];
}

/** What stands for a machine: a network namespace with a container runtime and an agent of its own. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly namespace: Namespace;
  /** The agent's data folder and its credential. */
  readonly folder: string;
  readonly containerd: Containerd;
  #agent: AgentProcess | undefined;

  private constructor(name: string, parts: { namespace: Namespace; address: string; containerd: Containerd }) {
    this.name = name;
    this.namespace = parts.namespace;
    this.address = parts.address;
    this.containerd = parts.containerd;
    this.folder = mkdtempSync(path.join(tmpdir(), `zeroplane-${name}-`));
  }

  static async start({ lan, name, images }: MachineOptions): Promise<Machine> {
    const namespace = new Namespace(name);
    const address = lan.connect(namespace);
    const containerd = await Containerd.start({ netns: `/run/netns/${namespace.name}`, ...(images && { images }) });
    return new Machine(name, { namespace, address, containerd });
  }

  get agent(): AgentProcess {
    if (this.#agent === undefined) throw new Error(`the agent of ${this.name} is used before it has started`);
    return this.#agent;
  }

  /** Joins the cluster of a data folder as a second machine does: with what is printed there, as it is. */
  join(data: string, flags: readonly string[] = []): void {
    const printed = spawnSync(
      process.execPath,
      ['dist/zeroplane.mjs', 'kubeconfig', '--node', this.name, '--data', data],
      { encoding: 'utf8' },
    );
    if (printed.status !== 0 || printed.stderr !== '') throw new Error(`zeroplane kubeconfig: ${printed.stderr}`);
    writeFileSync(this.#kubeconfig, printed.stdout, { mode: 0o600 });
    this.startAgent(flags);
  }

  startAgent(flags: readonly string[] = []): AgentProcess {
    this.#agent = new AgentProcess({
      kubeconfig: this.#kubeconfig,
      nodeName: this.name,
      criSocket: this.containerd.socket,
      data: path.join(this.folder, 'data'),
      flags,
      netns: `/run/netns/${this.namespace.name}`,
    });
    return this.#agent;
  }

  /** Everything on it ends at once, and its cable is out. */
  async crash(): Promise<void> {
    this.namespace.ip('link set eth0 down');
    await Promise.all([this.agent.end('SIGKILL'), this.containerd.crash()]);
  }

  /** It boots again after a crash: nothing of before is in its memory. */
  async boot(lan: Lan): Promise<void> {
    this.namespace.ip('link set eth0 up', `route replace default via ${lan.address}`);
    await this.containerd.run();
    this.startAgent();
  }

  /** One request from the machine itself: the answer's text, or the code of the error. */
  get(host: string, options: { port?: number; path?: string; timeoutMs?: number } = {}): Promise<string> {
    return this.namespace.call('get', { host, ...options });
  }

  /** The machine is gone, and with it all that it had, whether or not its agent has cleaned up. */
  async destroy(): Promise<void> {
    await this.#agent?.end('SIGKILL');
    const networks = this.cniNetworks();
    await this.containerd.destroy();
    unmountBelow(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
    for (const network of networks) rmSync(path.join(LEASES, network), { recursive: true, force: true });
    spawnSync('find', [
      '/sys/fs/cgroup',
      '-depth',
      '-type',
      'd',
      '-path',
      `*/zeroplane-*-${this.name}*`,
      '-exec',
      'rmdir',
      '{}',
      '+',
    ]);
    this.namespace.destroy();
  }

  get #kubeconfig(): string {
    return path.join(this.folder, 'kubeconfig');
  }

  /** Names of the networks that its container runtime has a configuration of. */
  cniNetworks(): string[] {
    const folder = path.join(this.containerd.folder, 'cni');
    return (existsSync(folder) ? readdirSync(folder) : []).map(
      (file) => (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { name: string }).name,
    );
  }
}

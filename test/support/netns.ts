import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { systemHost, type Host } from '../../agent/network/host.js';

/** Programs by the Debian package that has them. */
const PROGRAMS = { nft: 'nftables', ip: 'iproute2', conntrack: 'conntrack', nsenter: 'util-linux' } as const;

let reason: string | undefined | null = null;

/** Why there can be no tests in network namespaces here, and what to do about it; undefined when there can. */
export function noNamespacesReason(): string | undefined {
  if (reason === null) reason = findReason();
  return reason;
}

function findReason(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const missing = Object.entries(PROGRAMS).filter(([program]) => !runs(program));
  if (missing.length > 0) {
    const packages = missing.map(([, name]) => name).join(' ');
    return `no ${missing.map(([program]) => program).join(', ')}: apt-get install -y ${packages}`;
  }
  try {
    const name = `zp-check-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'delete', name]);
  } catch (error) {
    return `network namespaces cannot be made here (CAP_SYS_ADMIN and CAP_NET_ADMIN): ${String(error).split('\n')[0]}`;
  }
  return undefined;
}

function runs(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'pipe', env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

let counter = 0;

/** A network namespace with a process in it that serves and asks. Nothing outside of it is changed. */
export class Namespace {
  readonly name: string;
  #peer: ChildProcess | undefined;
  #calls = new Map<number, { resolve: (result: string) => void; reject: (error: Error) => void }>();
  #nextCall = 0;

  constructor(label: string) {
    this.name = `zp-${process.pid}-${counter++}-${label}`;
    ip(`netns add ${this.name}`);
    this.ip('link set lo up');
  }

  get prefix(): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`];
  }

  host(): Host {
    return systemHost(this.prefix);
  }

  /** Runs `ip` inside: `addr add 10.0.0.1/24 dev eth0`. */
  ip(...commands: string[]): void {
    execFileSync('ip', ['-netns', this.name, '-batch', '-'], {
      input: commands.join('\n'),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  run(program: string, ...args: string[]): string {
    const [nsenter = '', ...rest] = this.prefix;
    return execFileSync(nsenter, [...rest, program, ...args], { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const peer = await this.#start();
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      peer.send({ id, name, args });
    });
  }

  async #start(): Promise<ChildProcess> {
    if (this.#peer !== undefined) return this.#peer;
    const [nsenter = '', ...rest] = this.prefix;
    const file = path.resolve('test/support/netns-peer.mjs');
    const peer = spawn(nsenter, [...rest, process.execPath, file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#peer = peer;
    await new Promise((resolve) => peer.once('message', resolve));
    peer.on('message', ({ id, result, error }: { id: number; result?: string; error?: string }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result ?? '');
      else call?.reject(new Error(error));
    });
    return peer;
  }

  destroy(): void {
    this.#peer?.disconnect();
    this.#peer?.kill('SIGKILL');
    ip(`netns delete ${this.name}`);
  }
}

/** A cable between two namespaces. */
export function connect(a: { at: Namespace; device: string }, b: { at: Namespace; device: string }): void {
  a.at.ip(`link add ${a.device} type veth peer name ${b.device} netns ${b.at.name}`, `link set ${a.device} up`);
  b.at.ip(`link set ${b.device} up`);
}

function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: 'pipe' });
}

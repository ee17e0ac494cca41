import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxImage, type ImageOptions } from './container-image.js';

/** The image that test pods run: busybox. */
export const BUSYBOX = 'localhost/busybox:test';
const PAUSE = 'localhost/pause:test';

const READY_TIMEOUT_MS = 20_000;

const NEEDED = ['containerd', 'ctr', 'runc', 'nft', 'ip', 'conntrack', 'curl'];
const PACKAGES = 'containerd runc containernetworking-plugins nftables iproute2 conntrack busybox-static curl';

/** Why there can be no real containers here, or undefined. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== 'linux') return 'real containers need Linux';
  if (process.getuid?.() !== 0) return 'real containers need root: run the tests as root';
  const missing = NEEDED.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (!existsSync('/usr/lib/cni/bridge')) missing.push('/usr/lib/cni/bridge');
  if (!existsSync('/bin/busybox')) missing.push('/bin/busybox');
  if (missing.length === 0) return undefined;
  return `there is no ${missing.join(', ')}: apt-get install -y ${PACKAGES}`;
}

export interface ContainerdOptions {
  /** A network namespace to start in: `/run/netns/node-a`. */
  netns?: string;
  /** Images beside busybox and the sandboxes' own. */
  images?: ImageOptions[];
  /** Write a CNI configuration with this range of addresses; default none, which leaves it to the agent. */
  podCidr?: string;
}

/** A containerd of the test's own: nothing else on the machine sees it. */
export class Containerd {
  readonly folder: string;
  readonly socket: string;
  readonly #options: ContainerdOptions;
  #child: ChildProcess | undefined;

  private constructor(options: ContainerdOptions) {
    this.#options = options;
    this.folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-containerd-'));
    this.socket = path.join(this.folder, 'containerd.sock');
  }

  static async start(options: ContainerdOptions = {}): Promise<Containerd> {
    const containerd = new Containerd(options);
    containerd.#configure();
    await containerd.run();
    containerd.load({ name: PAUSE, entrypoint: ['/bin/sleep', '1000000000'] });
    containerd.load({ name: BUSYBOX, cmd: ['sh'] });
    for (const image of options.images ?? []) containerd.load(image);
    return containerd;
  }

  /** Starts the daemon (again). Containers of an earlier run go on. */
  async run(): Promise<void> {
    const { netns } = this.#options;
    const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`];
    const [file = '', ...args] = [...prefix, 'containerd', '--config', path.join(this.folder, 'config.toml')];
    const log = openSync(path.join(this.folder, 'log'), 'a');
    this.#child = spawn(file, args, { stdio: ['ignore', log, log] });
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (this.#ctr(['version']).status !== 0) {
      if (Date.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(
          `containerd did not start: ${readFileSync(path.join(this.folder, 'log'), 'utf8').slice(-2000)}`,
        );
      }
      await sleep(100);
    }
  }

  /** Ends the daemon at once, as a crash does. Its containers run on. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends the daemon, its shims and all containers at once: its machine has lost power. */
  async crash(): Promise<void> {
    const containers = this.tasks();
    const shims = new Set(containers.map(parentOf).filter((pid) => pid > 1));
    await this.kill();
    for (const pid of [...shims, ...containers]) killIfThere(pid);
  }

  load(image: ImageOptions): void {
    const file = path.join(this.folder, 'image.tar');
    writeFileSync(file, busyboxImage(image));
    const run = this.#ctr(['--namespace', 'k8s.io', 'images', 'import', '--no-unpack', file]);
    if (run.status !== 0) throw new Error(`image ${image.name} was not imported: ${run.stderr}${run.stdout}`);
    rmSync(file);
  }

  /** Ends a container's first process from outside, behind the agent's back. `id` is without the runtime's name before it. */
  killContainer(id: string): void {
    const run = this.#ctr(['--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id]);
    if (run.status !== 0) throw new Error(`container ${id} was not killed: ${run.stderr}${run.stdout}`);
  }

  /** Process ids of the running containers. */
  tasks(): number[] {
    const listed = this.#ctr(['--namespace', 'k8s.io', 'tasks', 'list']).stdout.split('\n').slice(1);
    return listed.map((line) => Number(line.split(/\s+/)[1])).filter((pid) => pid > 0);
  }

  /** Of a running container, by its id or by how a pod's status names it. */
  pidOf(container: string): number | undefined {
    const id = container.replace(/^.*:\/\//, '');
    const listed = this.#ctr(['--namespace', 'k8s.io', 'tasks', 'list']).stdout.split('\n');
    const pid = listed.find((line) => line.startsWith(`${id} `))?.split(/\s+/)[1];
    return pid === undefined ? undefined : Number(pid);
  }

  /** Names of all containers and sandboxes, running or not. */
  containers(): string[] {
    return this.#ids('containers').sort();
  }

  /** Ends all containers and the daemon, and removes what they had. */
  async destroy(): Promise<void> {
    // A crashed one leaves the namespaces of its sandboxes, which nobody else knows.
    if (this.#ctr(['version']).status !== 0) await this.run();
    const networks = this.#ids('containers').map((id) => this.#networkOf(id));
    for (const id of this.#ids('tasks')) this.#ctr(['--namespace', 'k8s.io', 'tasks', 'delete', '--force', id]);
    for (const id of this.#ids('containers')) this.#ctr(['--namespace', 'k8s.io', 'containers', 'delete', id]);
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(5_000)]);
      await this.kill();
    }
    for (const file of networks) {
      if (file === undefined || !existsSync(file)) continue;
      spawnSync('umount', ['--lazy', file]);
      rmSync(file, { force: true });
    }
    if (this.#options.podCidr !== undefined) spawnSync('ip', ['link', 'delete', bridgeName(this.folder)]);
    unmountBelow(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The file that a container's network namespace is bound to. */
  #networkOf(container: string): string | undefined {
    const { stdout } = this.#ctr(['--namespace', 'k8s.io', 'containers', 'info', container]);
    const info = JSON.parse(stdout || '{}') as {
      Spec?: { linux?: { namespaces?: { type: string; path?: string }[] } };
    };
    const file = info.Spec?.linux?.namespaces?.find(({ type }) => type === 'network')?.path;
    return file !== undefined && /\/netns\/cni-/.test(file) ? file : undefined;
  }

  #ids(what: 'tasks' | 'containers'): string[] {
    return this.#ctr(['--namespace', 'k8s.io', what, 'list', '--quiet']).stdout.split('\n').filter(Boolean);
  }

  #ctr(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('ctr', ['--address', this.socket, ...args], { encoding: 'utf8', timeout: 30_000 });
  }

  #configure(): void {
    const cni = path.join(this.folder, 'cni');
    mkdirSync(cni);
    if (this.#options.podCidr !== undefined) {
      writeFileSync(path.join(cni, '10-test.conflist'), cniConfiguration(this.folder, this.#options.podCidr));
    }
    // Without CAP_SYS_RESOURCE, as in sandboxes of CI, runc dies unless scores of the out-of-memory killer are only raised.
    writeFileSync(
      path.join(this.folder, 'config.toml'),
      `version = 2
root = "${this.folder}/root"
state = "${this.folder}/state"
[grpc]
  address = "${this.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${this.folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cni}"
`,
    );
  }
}

function cniConfiguration(folder: string, subnet: string): string {
  const bridge = bridgeName(folder);
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: path.join(folder, 'ipam'),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

function bridgeName(folder: string): string {
  return `zt${path.basename(folder).slice(-8)}`;
}

function parentOf(pid: number): number {
  try {
    // The name before it, in parentheses, may hold anything.
    return Number(/.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Unmounts all that is mounted below a folder, the innermost first. */
export function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${folder}/`));
  for (const target of mounts.reverse()) spawnSync('umount', ['--lazy', target]);
}

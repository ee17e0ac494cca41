import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Time for a cluster to say that it is ready: far above the second it takes. */
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;

export interface ClusterOptions {
  /** Flags of `zeroplane up` beside --port, --kubeconfig and --data, which are the test's own. */
  flags?: readonly string[];
  /** A folder of an earlier cluster; default a new one. */
  folder?: string;
  /** Keep the cluster in memory. */
  memory?: boolean;
}

/** A `zeroplane up` of the built command line, in a process of its own. */
export class ClusterProcess {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  #exit: Promise<number | null>;

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.kubeconfig = path.join(folder, 'kubeconfig');
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#exit = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  }

  /** Starts the process and does not wait for it. */
  static spawn(options: ClusterOptions = {}): ClusterProcess {
    const folder = options.folder ?? mkdtempSync(path.join(tmpdir(), 'zeroplane-e2e-'));
    const storage = options.memory ? ['--memory'] : ['--data', path.join(folder, 'data')];
    const flags = options.flags ?? [];
    const port = flags.includes('--port') ? [] : ['--port', '0'];
    // The machine's own runtime is no test's business.
    const runtime = flags.some((flag) => flag === '--runtime' || flag === '--cri-socket')
      ? []
      : ['--runtime', 'simulated'];
    const child = spawn(
      process.execPath,
      [
        path.resolve('dist/zeroplane.mjs'),
        'up',
        ...port,
        '--kubeconfig',
        path.join(folder, 'kubeconfig'),
        ...storage,
        ...runtime,
        ...flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder },
    );
    return new ClusterProcess(folder, child);
  }

  /** Starts a cluster and resolves once it has printed `ready in … ms`. */
  static async start(options: ClusterOptions = {}): Promise<ClusterProcess> {
    const cluster = ClusterProcess.spawn(options);
    await cluster.ready();
    return cluster;
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!/^ready in \d+ ms$/m.test(this.stdout)) {
      const exited = await Promise.race([
        this.#exit,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 20)),
      ]);
      if (exited !== undefined) throw new Error(`zeroplane up ended with ${exited}: ${this.stderr}`);
      if (Date.now() > deadline) throw new Error(`zeroplane up was not ready in time: ${this.stderr}`);
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** It stands still, with its connections open, until it is ended. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Resolves with the exit code. */
  exited(): Promise<number | null> {
    return this.#exit;
  }

  /** Stops the cluster cleanly; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#exit;
    clearTimeout(timer);
    return code;
  }

  /** Stops the cluster and removes its folder. */
  async destroy(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
